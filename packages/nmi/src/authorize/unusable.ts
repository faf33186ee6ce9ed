import type { AzureIdentity } from '@pod-identity/crd-types';
import { needsBroker } from './federated.ts';
import { principalOf } from './principal.ts';
import type { AuthorizeRules } from './types.ts';

/** Why no pod can be served this AzureIdentity, which is valid; undefined: any may. */
export function unusable(
  identity: AzureIdentity,
  rules: Pick<AuthorizeRules, 'authorities' | 'hasBroker'>,
): string | undefined {
  const { type, clientID = '' } = identity.spec;
  if (type === 3) return rules.hasBroker === true ? undefined : `it ${needsBroker}`;
  const principal = type === 0 ? undefined : principalOf({ identity, name: '', clientId: clientID }, rules);
  return typeof principal === 'string' ? principal : undefined;
}
