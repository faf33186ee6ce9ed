// Fingerprints of what an identity or a binding means to pods. If the copy in an AzureAssignedIdentity has the same fingerprint, no
// write is needed, whatever labels, annotations, versions or spellings have changed.
import {
  canonicalResourceId,
  isNamespaced,
  type AzureIdentity,
  type AzureIdentityBinding,
} from '@pod-identity/crd-types';

/** Includes the annotation, since the original's NMI reads from the copy whether other namespaces may use the identity. */
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

/** The fingerprint of an assignment. The names of pod, identity and binding are compared separately. */
export function assignmentMeaning(identity: string, binding: string): string {
  return `${identity}${binding}`;
}
