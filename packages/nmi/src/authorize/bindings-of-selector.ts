import {
  hasOwnConditions,
  sortBindings,
  type AzureIdentityBinding,
  type BindingsByNamespace,
} from '@pod-identity/crd-types';
import type { Indexes, Store } from '@pod-identity/kit/kube';
import type { MatchedObjects } from './types.ts';

/** Indexes of the store of bindings. They are updated with the store, so that a decision sees one state. */
export const selectorIndexes: Indexes<AzureIdentityBinding> = {
  /** By selector: bindings that can select pods of other namespaces. */
  selector: (binding) =>
    binding.spec.selector === '' || hasOwnConditions(binding) ? [] : [binding.spec.selector],
  labelled: (binding) =>
    hasOwnConditions(binding) ? [] : [indexKeyOf(namespaceOf(binding), binding.spec.selector)],
  /** By namespace: bindings with conditions besides the label. */
  conditions: (binding) => (hasOwnConditions(binding) ? [namespaceOf(binding)] : []),
};

/** The bindings of the store, for matching. */
export function foundIn(
  store: Pick<Store<AzureIdentityBinding>, 'by'>,
): Pick<MatchedObjects, 'bindingsWithSelector' | 'bindingsWithConditions'> {
  return {
    bindingsWithSelector: (label) => bindingsOfSelector(store, label),
    bindingsWithConditions: (namespace) => store.by('conditions', namespace),
  };
}

/** Finds the bindings of one namespace without reading those of others, which can be any number. */
export function bindingsOfSelector(
  store: Pick<Store<AzureIdentityBinding>, 'by'>,
  selector: string,
): BindingsByNamespace {
  return {
    get namespaces() {
      return [...new Set(store.by('selector', selector).map(namespaceOf))];
    },
    of: (namespace) => sortBindings(store.by('labelled', indexKeyOf(namespace, selector))),
  };
}

/** Restricted to namespaces with identities for pods of other namespaces. */
export function bindingsReachingOut(
  store: Pick<Store<AzureIdentityBinding>, 'by'>,
  selector: string,
  reachesOut: (namespace: string) => boolean,
): BindingsByNamespace {
  const bindings = bindingsOfSelector(store, selector);
  return {
    get namespaces() {
      return bindings.namespaces.filter(reachesOut);
    },
    of: (namespace) => bindings.of(namespace),
  };
}

/** Whether bindings of the namespace select pods without the label. */
export function selectsUnlabelled(
  store: Pick<Store<AzureIdentityBinding>, 'by'>,
  namespace: string,
): boolean {
  return store.by('conditions', namespace).some(({ spec }) => spec.selector === '');
}

function indexKeyOf(namespace: string, selector: string): string {
  return `${namespace}/${selector}`;
}

function namespaceOf({ metadata }: AzureIdentityBinding): string {
  return metadata.namespace ?? '';
}
