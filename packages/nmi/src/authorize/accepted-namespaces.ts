import { acceptsLabelPrefix, acceptsNamespace, type NamespaceView } from '@pod-identity/crd-types';

/** The namespaces whose identities its pods can get, in mode `rbac`. */
export function acceptedNamespaces(view: NamespaceView | undefined): readonly string[] {
  const labels = view?.labels ?? {};
  return Object.keys(labels)
    .filter((key) => key.startsWith(acceptsLabelPrefix))
    .map((key) => key.slice(acceptsLabelPrefix.length))
    .filter((other) => acceptsNamespace(labels, other));
}
