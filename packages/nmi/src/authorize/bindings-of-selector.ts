import { sortBindings, type AzureIdentityBinding, type BindingsByNamespace } from '@pod-identity/crd-types';
import type { Indexes, Store } from '@pod-identity/kit/kube';

/** Indexes of the store of bindings. They are updated with it, so that a decision sees one state. */
export const selectorIndexes: Indexes<AzureIdentityBinding> = {
  selector: ({ spec }) => [spec.selector],
  place: (binding) => [placeOf(namespaceOf(binding), binding.spec.selector)],
};

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

function placeOf(namespace: string, selector: string): string {
  return `${namespace}/${selector}`;
}

function namespaceOf({ metadata }: AzureIdentityBinding): string {
  return metadata.namespace ?? '';
}
