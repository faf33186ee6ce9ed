import {
  hasOwnConditions,
  mostBindingsPerNamespace,
  placesOf,
  sortBindings,
  waysToFile,
  type AzureIdentityBinding,
  type BindingsByNamespace,
  type PodFacts,
} from '@pod-identity/crd-types';
import type { Indexes, Store } from '@pod-identity/kit/kube';
import type { MatchedObjects } from './types.ts';

/** Indexes of the store of bindings. They are updated with it, so that a decision sees one state. */
export const selectorIndexes: Indexes<AzureIdentityBinding> = {
  /** Those that pods of other namespaces may be given something by. */
  selector: (binding) =>
    binding.spec.selector === '' || hasOwnConditions(binding) ? [] : [binding.spec.selector],
  place: (binding) =>
    binding.spec.selector === '' ? [] : [placeOf(namespaceOf(binding), binding.spec.selector)],
  /** Those without a selector, by what a pod must have; by nothing if it need not have anything. */
  filed: (binding) =>
    binding.spec.selector === ''
      ? (waysToFile(binding)[0] ?? [anywhere]).map((place) => placeOf(namespaceOf(binding), place))
      : [],
};

const anywhere = '';

/** As matching asks for them. */
export function foundIn(
  store: Pick<Store<AzureIdentityBinding>, 'by'>,
): Pick<MatchedObjects, 'bindingsWithSelector' | 'bindingsWithoutSelector'> {
  return {
    bindingsWithSelector: (label) => bindingsOfSelector(store, label),
    bindingsWithoutSelector: (pod) => bindingsWithoutSelector(store, pod),
  };
}

/** Finds the bindings of one namespace without reading those of others, which may be any number. */
export function bindingsOfSelector(
  store: Pick<Store<AzureIdentityBinding>, 'by'>,
  selector: string,
): BindingsByNamespace {
  return {
    get namespaces() {
      return [...new Set(store.by('selector', selector).map(namespaceOf))];
    },
    of: (namespace) => sortBindings(store.by('place', placeOf(namespace, selector))),
  };
}

/** Those of namespaces that have identities for pods of others. */
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

/** Those without a selector that may select the pod, and no more of the broad ones than are looked at. */
export function bindingsWithoutSelector(
  store: Pick<Store<AzureIdentityBinding>, 'by'>,
  pod: PodFacts,
): readonly AzureIdentityBinding[] {
  const at = (place: string) => store.by('filed', placeOf(pod.namespace, place));
  const broad = at(anywhere);
  if (broad.length <= mostBindingsPerNamespace) return [...broad, ...[...placesOf(pod)].flatMap(at)];
  return [...sortBindings(broad).slice(0, mostBindingsPerNamespace + 1), ...[...placesOf(pod)].flatMap(at)];
}

function placeOf(namespace: string, place: string): string {
  return `${namespace}/${place}`;
}

function namespaceOf({ metadata }: AzureIdentityBinding): string {
  return metadata.namespace ?? '';
}
