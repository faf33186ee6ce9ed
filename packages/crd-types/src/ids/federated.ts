// What an AzureIdentity of type 3 may say: exactly what its right names. A field that would change whose token is requested, or where, is
// refused and not ignored.
import { isGuid } from './guid.ts';
import { quote } from '../parsing/quote.ts';
import { parseIdentityResourceId } from './resource-id.ts';
import { addProblem, warn, type Section } from '../parsing/section.ts';

interface Spec {
  readonly clientID?: string;
  readonly tenantID?: string;
  readonly resourceID?: string;
  readonly clientPassword?: object;
  readonly auxiliaryTenantIDs?: readonly string[];
  readonly adEndpoint?: string;
}

const refusals = {
  clientPassword: 'must be removed: an identity of type 3 has no Secret',
  auxiliaryTenantIDs: 'must be removed: an identity of type 3 gets tokens of its own tenant alone',
  adEndpoint: 'must be removed: for type 3 the login endpoint is that of the broker',
} as const;

export function judgeFederated(identity: Spec, spec: Section): void {
  for (const key of ['clientID', 'tenantID'] as const) {
    const fault = federatedFaults[key](identity[key] ?? '');
    if (fault !== undefined) addProblem(spec, key, fault);
  }
  for (const [key, message] of Object.entries(refusals))
    if (isGiven(identity[key as keyof typeof refusals])) addProblem(spec, key, message);
  const { resourceID = '' } = identity;
  if (resourceID !== '' && !parseIdentityResourceId(resourceID).ok)
    warn(
      spec,
      'resourceID',
      `is ${quote(resourceID)}, which is no ARM id of a managed identity: no request can name the identity by it; correct it, or remove it`,
    );
}

/** Clients in Go write an empty list or object for a field that is not set. */
function isGiven(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined;
}

/**
 * Why rights cannot be given on these. The tenant by its id only: a tenant has several domains, and a right on one of its names would not be
 * one on the others.
 */
export const federatedFaults = {
  clientID: (text: string) => {
    if (text === '') return 'is missing: type 3 needs the client id of the managed identity or application';
    return isGuid(text) ? undefined : `must be a GUID for type 3, not ${quote(text)}`;
  },
  tenantID: (text: string) => {
    if (text === '') return 'is missing: type 3 needs the id of the tenant';
    return isGuid(text)
      ? undefined
      : `must be the id of the tenant (a GUID) for type 3, not one of its domains: got ${quote(text)}`;
  },
} as const;
