import { problem, waiting, type Finding } from '@pod-identity/policy';
import type { Decision, GrantedIdentity } from '../authorize/types.ts';
import type { Failure } from '../respond/refusals.ts';
import type { ExplainWorld } from './world.ts';

type Principal = Extract<GrantedIdentity, { readonly kind: 'service-principal' }>;

/** Undefined where no Secret is needed, or it is there. */
export function lackOfSecret(decision: Decision, { secrets }: ExplainWorld): 'absent' | 'unread' | undefined {
  const principal = principalIn(decision);
  return principal && secrets?.get(nameOf(principal));
}

export function secretFindings(decision: Decision, world: ExplainWorld): readonly Finding[] {
  const principal = principalIn(decision);
  const lack = lackOfSecret(decision, world);
  if (principal === undefined || lack === undefined) return [];
  const { namespace, name } = principal.secret;
  if (lack === 'unread') {
    const text = `whether Secret ${namespace}/${name} exists is not known: it may not be read`;
    const command = `kubectl get secret ${name} --namespace ${namespace}`;
    return [waiting('identity', text, { text: 'ask somebody who may read it', command })];
  }
  const key = principal.credential === 'secret' ? 'clientSecret' : 'certificate';
  return [
    problem('identity', absent(principal), {
      text: `create it with the key ${key}: docs/administrator/service-principals.md`,
      command: `kubectl create secret generic ${name} --namespace ${namespace} --from-file=${key}`,
    }),
  ];
}

/** As the agent tells it. */
export function secretFailure(decision: Decision, world: ExplainWorld): Failure | undefined {
  const principal = principalIn(decision);
  if (principal === undefined || lackOfSecret(decision, world) !== 'absent') return undefined;
  return {
    kind: 'token-failed',
    pod: world.pod.key,
    why: 'misconfigured',
    description: absent(principal),
  };
}

const principalIn = (decision: Decision): Principal | undefined =>
  decision.kind === 'allow' && decision.identity.kind === 'service-principal' ? decision.identity : undefined;
const nameOf = ({ secret: { namespace, name } }: Principal) => `${namespace}/${name}`;
const absent = (principal: Principal) =>
  `Secret ${nameOf(principal)}, which spec.clientPassword names, does not exist.`;
