// Which of several AzureIdentities counts where they describe one identity.
import type { AzureIdentity, ResourceId } from '@pod-identity/crd-types';

/** What tells whether two AzureIdentities describe one identity. */
export interface Described {
  readonly resourceId: ResourceId | undefined;
  /** In lower case; '' when the AzureIdentity names none. */
  readonly clientId: string;
  readonly identity: {
    readonly metadata: { readonly namespace?: string };
    readonly spec: Pick<AzureIdentity['spec'], 'type' | 'tenantID'>;
  };
}

/**
 * Which of several AzureIdentities counts if they describe one identity. In order: a federated one, so that one of type 0 can be attached before
 * the federated one is deleted; then one that states a client id, against which the token is checked. Undefined: they do not all describe one
 * identity, so a request must name which it means.
 */
export function preferredDescription<One extends Described>(candidates: readonly One[]): One | undefined {
  const stated = candidates.filter(({ clientId }) => clientId !== '');
  const first = candidates.find(isFederated) ?? stated[0] ?? candidates[0];
  const isOne =
    first !== undefined && candidates.every((other) => other === first || isSameIdentity(first, other));
  const isStatedOnce = new Set(stated.map(({ clientId }) => clientId)).size <= 1;
  return isOne && isStatedOnce ? first : undefined;
}

const isFederated = ({ identity }: Described) => identity.spec.type === 3;

function isSameIdentity(a: Described, b: Described): boolean {
  if (isFederated(a) !== isFederated(b)) return isSameOfOtherType(a, b);
  if (isFederated(a)) return a.clientId === b.clientId && tenantOf(a) === tenantOf(b);
  return a.resourceId !== undefined && a.resourceId === b.resourceId;
}

/** Only within a namespace: another one must not decide how the identity is requested. An application has other rights in each tenant. */
function isSameOfOtherType(a: Described, b: Described): boolean {
  const isManaged = [a, b].some(({ identity }) => identity.spec.type === 0);
  const isOneTenant = isManaged || tenantOf(a) === tenantOf(b);
  return a.clientId !== '' && a.clientId === b.clientId && namespaceOf(a) === namespaceOf(b) && isOneTenant;
}

const namespaceOf = ({ identity }: Described) => identity.metadata.namespace;
const tenantOf = ({ identity }: Described) => identity.spec.tenantID?.toLowerCase();
