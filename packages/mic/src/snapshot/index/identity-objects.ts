// The AzureIdentities and AzureIdentityBindings of the cluster, found by what plans, conditions and matching ask for.
import type { AzureIdentity, ResourceId } from '@pod-identity/crd-types';
import { FiledBindings } from './filed-bindings.ts';
import { Grouped } from './grouped.ts';
import { namespaceOf } from '../keys.ts';
import type { BindingView, IdentityView } from '../views.ts';

export type ValidBinding = Extract<BindingView, { kind: 'valid' }>;

export class IdentityObjects {
  readonly #identities = new Map<string, IdentityView>();
  /** By namespace, then key. */
  readonly #bindings = new Map<string, Map<string, BindingView>>();
  readonly #naming = new Grouped<string, string>();
  readonly #byResource = new Grouped<ResourceId, string>();
  readonly filed = new FiledBindings();

  identity(key: string): IdentityView | undefined {
    return this.#identities.get(key);
  }

  binding(key: string): BindingView | undefined {
    return this.#bindings.get(namespaceOf(key))?.get(key);
  }

  /** All keys, also those of invalid objects. */
  keys(): { readonly identities: Iterable<string>; readonly bindings: Iterable<string> } {
    const bindings = [...this.#bindings.values()].flatMap((inside) => [...inside.keys()]);
    return { identities: this.#identities.keys(), bindings };
  }

  /** Keys of the bindings that name the identity. */
  bindingsNaming(identityKey: string): ReadonlySet<string> {
    return this.#naming.of(identityKey);
  }

  /** Keys of the valid AzureIdentities of this resource. */
  identitiesFor(id: ResourceId): ReadonlySet<string> {
    return this.#byResource.of(id);
  }

  /** The namespaces of `identitiesFor`. */
  claimants(id: ResourceId): readonly string[] {
    return [...new Set(Array.from(this.identitiesFor(id), namespaceOf))];
  }

  validIdentity(key: string): AzureIdentity | undefined {
    const view = this.#identities.get(key);
    return view?.kind === 'valid' ? view.identity : undefined;
  }

  setIdentity(key: string, view: IdentityView | undefined): void {
    const before = this.#identities.get(key);
    if (before?.kind === 'valid' && before.resourceId) this.#byResource.remove(before.resourceId, key);
    if (view?.kind === 'valid' && view.resourceId) this.#byResource.add(view.resourceId, key);
    if (view === undefined) this.#identities.delete(key);
    else this.#identities.set(key, view);
  }

  setBinding(key: string, view: BindingView | undefined): void {
    const before = this.binding(key);
    if (before?.kind === 'valid') {
      this.#naming.remove(before.identityKey, key);
      this.filed.remove(before.binding);
    }
    if (view?.kind === 'valid') {
      this.#naming.add(view.identityKey, key);
      this.filed.add(view.binding);
    }
    const namespace = namespaceOf(key);
    const inside = this.#bindings.get(namespace) ?? new Map<string, BindingView>();
    if (view === undefined) inside.delete(key);
    else inside.set(key, view);
    if (inside.size === 0) this.#bindings.delete(namespace);
    else this.#bindings.set(namespace, inside);
  }
}
