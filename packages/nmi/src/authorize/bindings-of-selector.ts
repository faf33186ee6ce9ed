import {
  hasOwnConditions,
  mostBindingsPerNamespace,
  filedKeysOf,
  sortBindings,
  waysToFile,
  type AzureIdentityBinding,
  type BindingsByNamespace,
  type PodFacts,
} from '@pod-identity/crd-types';
import type { Indexes, Store } from '@pod-identity/kit/kube';
import type { MatchedObjects } from './types.ts';

/** Indexes of the store of bindings. They are updated with the store, so that a decision sees one state. */
export const selectorIndexes: Indexes<AzureIdentityBinding> = {
  /** By selector: bindings that can select pods of other namespaces. */
  selector: (binding) =>
    binding.spec.selector === '' || hasOwnConditions(binding) ? [] : [binding.spec.selector],
  place: (binding) =>
    binding.spec.selector === '' ? [] : [selectorKeyOf(namespaceOf(binding), binding.spec.selector)],
  /** Bindings without a selector, by a property that selected pods must have; under '' if none is required. */
  filed: (binding) =>
    binding.spec.selector === ''
      ? (waysToFile(binding)[0] ?? [anywhere]).map((key) => selectorKeyOf(namespaceOf(binding), key))
      : [],
  /** By namespace: bindings that select pods without the label. */
  unlabelled: (binding) =>
    binding.spec.selector === '' && hasOwnConditions(binding) ? [namespaceOf(binding)] : [],
};

const anywhere = '';

/** The bindings of the store, for matching. */
export function foundIn(
  store: Pick<Store<AzureIdentityBinding>, 'by'>,
): Pick<MatchedObjects, 'bindingsWithSelector' | 'bindingsWithoutSelector'> {
  return {
    bindingsWithSelector: (label) => bindingsOfSelector(store, label),
    bindingsWithoutSelector: (pod) => bindingsWithoutSelector(store, pod),
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
    of: (namespace) => sortBindings(store.by('place', selectorKeyOf(namespace, selector))),
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

/** Bindings without a selector that may select the pod. Of broad ones at most one more than the limit, which shows that it is exceeded. */
export function bindingsWithoutSelector(
  store: Pick<Store<AzureIdentityBinding>, 'by'>,
  pod: PodFacts,
): readonly AzureIdentityBinding[] {
  const at = (key: string) => store.by('filed', selectorKeyOf(pod.namespace, key));
  const broad = at(anywhere);
  if (broad.length <= mostBindingsPerNamespace) return [...broad, ...[...filedKeysOf(pod)].flatMap(at)];
  return [
    ...sortBindings(broad).slice(0, mostBindingsPerNamespace + 1),
    ...[...filedKeysOf(pod)].flatMap(at),
  ];
}

function selectorKeyOf(namespace: string, key: string): string {
  return `${namespace}/${key}`;
}

function namespaceOf({ metadata }: AzureIdentityBinding): string {
  return metadata.namespace ?? '';
}
