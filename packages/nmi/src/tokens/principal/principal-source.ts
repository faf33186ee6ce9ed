// Room: tokens of applications: the Secret of an identity, its certificate or password, and Entra.
// It must not decrypt a certificate, which openssl does in a process of its own, nor decide which Secret an identity may use, which
// authorize/principal.ts does.
import { readClaims } from '../claims.ts';
import { TokenError } from '../errors.ts';
import { timed, type Ended } from '../timed.ts';
import type { ServicePrincipal, TokenUpstream } from '../types.ts';
import type { EntraClient, EntraRequest } from './entra-client.ts';
import { principalError } from './entra-errors.ts';
import { createSecrets, type SecretsOptions } from './secrets.ts';

export interface PrincipalSourceOptions extends SecretsOptions {
  readonly entra: EntraClient;
  /** Called for each request to Entra. */
  readonly onRequested: (ended: Ended) => void;
}

/** Tokens of service principals: reads the Secret from the API server, then requests a token for each tenant from Entra. */
export function createPrincipalSource(options: PrincipalSourceOptions) {
  const { clock, entra, onRequested } = options;
  const secrets = createSecrets(options);

  const requestOne = (entraRequest: EntraRequest) =>
    timed(clock, onRequested, () => entra.requestToken(entraRequest));

  const requestToken: TokenUpstream<ServicePrincipal>['requestToken'] = async ({ subject, resource }) => {
    const { proof, isCurrent } = await secrets.proof(subject);
    const forTenant = (tenantId: string) =>
      requestOne({
        subject,
        tenantId,
        resource,
        proof,
        errorOf: (response) => principalError(response, subject, tenantId),
      });
    const access = await forTenant(subject.tenantId);
    const others = await Promise.all(
      subject.auxiliaryTenantIds.map(async (tenantId) => ({ tenantId, access: await forTenant(tenantId) })),
    );
    // The tokens of the previous Secret were forgotten at its change, before this one came.
    if (!isCurrent()) throw changedMeanwhile(subject);
    const { clientId = subject.clientId, objectId } = readClaims(access.token);
    return { access, clientId, objectId, ...(others.length > 0 && { auxiliary: others }) };
  };

  return { requestToken, look: (subject: ServicePrincipal) => secrets.look(subject) };
}

function changedMeanwhile({ secret: { namespace, name } }: ServicePrincipal): TokenError {
  const text = `Secret ${namespace}/${name} was changed while a token was requested with it. Try again.`;
  return new TokenError('unavailable', text);
}
