import { sortBindings, type AzureIdentityBinding, type BindingsByNamespace } from '@pod-identity/crd-types';
import type { Indexes, Store } from '@pod-identity/kit/kube';

/** For the store of the bindings. Both change with it at once: a listener that decides in the middle of a list sees one state. */
export const selectorIndexes: Indexes<AzureIdentityBinding> = {
  selector: ({ spec }) => [spec.selector],
  place: (binding) => [placeOf(namespaceOf(binding), binding.spec.selector)],
};

/** The bindings of one namespace are found without a look at others': editors of other namespaces may write any number of them. */
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

function placeOf(namespace: string, selector: string): string {
  return `${namespace}/${selector}`;
}

function namespaceOf({ metadata }: AzureIdentityBinding): string {
  return metadata.namespace ?? '';
}
