// Collects objects whose Ready condition may have changed. Only a hint: an unchanged condition is not written again.
import type { IdentityObjects } from './identity-objects.ts';

export class Concern {
  readonly #objects: Pick<IdentityObjects, 'bindingsNaming' | 'keys'>;
  #identities = new Set<string>();
  #bindings = new Set<string>();

  constructor(objects: Pick<IdentityObjects, 'bindingsNaming' | 'keys'>) {
    this.#objects = objects;
  }

  identityChanged(key: string): void {
    this.#identities.add(key);
    for (const binding of this.#objects.bindingsNaming(key)) this.#bindings.add(binding);
  }

  bindingChanged(key: string): void {
    this.#bindings.add(key);
  }

  allChanged(): void {
    const { identities, bindings } = this.#objects.keys();
    for (const key of identities) this.#identities.add(key);
    for (const key of bindings) this.#bindings.add(key);
  }

  /** The first or the last pod on a host that uses them was added or removed. */
  usesChanged(keys: readonly string[]): void {
    for (const key of keys) this.#identities.add(key);
  }

  take(): { readonly identities: ReadonlySet<string>; readonly bindings: ReadonlySet<string> } {
    const taken = { identities: this.#identities, bindings: this.#bindings };
    this.#identities = new Set();
    this.#bindings = new Set();
    return taken;
  }
}
