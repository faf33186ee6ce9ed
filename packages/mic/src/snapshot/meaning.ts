// Fingerprints of what an identity or a binding means to the pods that use it. A copy inside an AzureAssignedIdentity with
// the same fingerprint needs no write, whatever labels, annotations, versions or spellings were changed meanwhile.
import {
  canonicalResourceId,
  isNamespaced,
  type AzureIdentity,
  type AzureIdentityBinding,
} from '@pod-identity/crd-types';

/** The annotation counts as well: NMI reads from the copy whether other namespaces may use the identity. */
export function identityMeaning(identity: AzureIdentity): string {
  const { resourceID = '', clientID = '', tenantID = '', clientPassword, ...rest } = identity.spec;
  return JSON.stringify([
    canonicalResourceId(resourceID),
    clientID.toLowerCase(),
    tenantID.toLowerCase(),
    [clientPassword?.namespace, clientPassword?.name],
    [rest.type, rest.adResourceID, rest.adEndpoint, rest.auxiliaryTenantIDs],
    isNamespaced(identity),
    ...(rest.allowedNamespaces === undefined ? [] : [rest.allowedNamespaces]),
  ]);
}

export function bindingMeaning({ spec }: AzureIdentityBinding): string {
  const { azureIdentity, selector, podSelector, serviceAccountName } = spec;
  const isPlain = podSelector === undefined && serviceAccountName === undefined;
  const more = isPlain ? [] : [podSelector, serviceAccountName];
  return JSON.stringify([azureIdentity, selector, ...more]);
}

/** Of an assignment: what pod, identity and binding are to each other is told by their names, compared apart from this. */
export function assignmentMeaning(identity: string, binding: string): string {
  return `${identity}${binding}`;
}
