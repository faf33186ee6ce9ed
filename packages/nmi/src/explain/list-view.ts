// The view that decisions need, over plain lists: for the kubectl plug-in, which reads the cluster once.
import type { AzureIdentity, AzureIdentityBinding, NamespaceView } from '@pod-identity/crd-types';
import {
  bindingsOfSelector,
  foundIn,
  selectorIndexes,
  selectsUnlabelled,
} from '../authorize/bindings-of-selector.ts';
import type { ClusterView, FoundException } from '../authorize/types.ts';

/** An object by `namespace/name`, or what is wrong with it. */
export type ListedObject<T> = { readonly key: string } & ({ readonly value: T } | { readonly fault: string });

export interface ExplainedLists {
  readonly identities: readonly ListedObject<AzureIdentity>[];
  readonly bindings: readonly ListedObject<AzureIdentityBinding>[];
  /** Of the pod's namespace. */
  readonly exceptions: readonly FoundException[];
  readonly namespaces: readonly NamespaceView[];
}

export function viewOfLists({ identities, bindings, exceptions, namespaces }: ExplainedLists): ClusterView {
  const valid = bindings.flatMap((one) => ('value' in one ? [one.value] : []));
  const store = {
    by: (index: string, value: string) =>
      valid.filter((one) => selectorIndexes[index]?.(one).includes(value) === true),
  };
  const byKey = new Map(identities.map((one) => [one.key, one]));
  const byName = new Map(namespaces.map((one) => [one.name, one]));
  const exceptionsOf = (namespace: string) => exceptions.filter((one) => one.namespace === namespace);
  return {
    revision: 0,
    ...foundIn(store),
    bindingsReachingOut: (label) => bindingsOfSelector(store, label),
    identityOf(namespace, name) {
      const found = byKey.get(`${namespace}/${name}`);
      return found && 'value' in found ? found.value : undefined;
    },
    faultOf(namespace, name) {
      const found = byKey.get(`${namespace}/${name}`);
      return found && 'fault' in found ? found.fault : undefined;
    },
    namespaceOf: (name) => byName.get(name),
    selectsUnlabelled: (namespace) => selectsUnlabelled(store, namespace),
    exceptionsIn: (namespace) =>
      exceptionsOf(namespace).flatMap((one) => ('value' in one ? [one.value] : [])),
    invalidExceptionsIn: (namespace) =>
      exceptionsOf(namespace).flatMap((one) => ('fault' in one ? [one] : [])),
  };
}
