import type { SecretReference } from '@pod-identity/crd-types';
import type { ServicePrincipal } from '../tokens/types.ts';
import type { AuthorizeRules, Candidate } from './types.ts';

/**
 * The service principal of an AzureIdentity; a text says why it cannot be served. Its Secret must be in its own namespace, and is sent only
 * to hosts that the administrator allows: otherwise an AzureIdentity could send any Secret of the cluster to any host.
 */
export function principalOf(
  candidate: Pick<Candidate, 'identity' | 'name' | 'clientId'>,
  rules: Pick<AuthorizeRules, 'authorities'>,
): ServicePrincipal | string {
  const { identity, name, clientId } = candidate;
  const { type, clientPassword, tenantID: tenantId, adEndpoint } = identity.spec;
  if (clientId === '' || tenantId === undefined || clientPassword === undefined)
    return 'a service principal needs spec.clientID, spec.tenantID and spec.clientPassword';
  const { auxiliaryTenantIDs: auxiliaryTenantIds = [] } = identity.spec;
  const namespace = identity.metadata.namespace ?? '';
  const authority = authorityOf(adEndpoint, rules.authorities);
  const fault =
    secretFault(clientPassword, namespace) ?? tenantFault(tenantId, auxiliaryTenantIds) ?? authority.fault;
  if (fault !== undefined) return fault;
  return {
    kind: 'service-principal',
    name,
    clientId,
    tenantId,
    auxiliaryTenantIds,
    authority: authority.origin,
    credential: type === 1 ? 'secret' : 'certificate',
    secret: { namespace, name: clientPassword.name },
  };
}

function secretFault({ name, namespace }: SecretReference, own: string): string | undefined {
  if (!isSecretName(name)) return 'its spec.clientPassword names no Secret: no Secret can have this name';
  return namespace === undefined || namespace === own
    ? undefined
    : `its spec.clientPassword is in namespace ${namespace}: move the Secret to namespace ${own}, where the AzureIdentity is`;
}

/** It becomes part of a path of the API server: a proxy before it may decode `/` and `..`, which could lead to the Secret of another namespace. */
function isSecretName(text: string): boolean {
  return text.length <= longestDomain && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(text);
}

function tenantFault(tenant: string, auxiliary: readonly string[]): string | undefined {
  if (auxiliary.length > 3) return 'its spec.auxiliaryTenantIDs names more than three tenants';
  return [tenant, ...auxiliary].every(isTenant)
    ? undefined
    : 'its spec.tenantID or spec.auxiliaryTenantIDs has a text that is neither the id nor a domain of a tenant';
}

/** It becomes part of a URL path, so it must not contain `/` or `..`. The same texts as those on which `accessTargetsOf` gives rights. */
function isTenant(text: string): boolean {
  return text.length <= longestDomain && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text);
}

const longestDomain = 253;

function authorityOf(
  endpoint: string | undefined,
  allowed: ReadonlySet<string>,
): { readonly origin: string; readonly fault?: string } {
  const [usual] = allowed;
  if (endpoint === undefined)
    return usual === undefined
      ? faulty('the administrator allows no login endpoint (NMI flag --authority-allow)')
      : { origin: `https://${usual}` };
  const url = URL.parse(endpoint);
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '')
    return faulty('its spec.adEndpoint is no https address');
  return allowed.has(url.host)
    ? { origin: url.origin }
    : faulty(
        `its spec.adEndpoint is ${url.host}, which secrets may not be sent to; the administrator can allow it (NMI flag --authority-allow)`,
      );
}

const faulty = (fault: string) => ({ origin: '', fault });
