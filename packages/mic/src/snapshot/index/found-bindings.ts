// Indexes of the valid bindings, for matching.
import {
  hasOwnConditions,
  type AllowedNamespaces,
  type AzureIdentityBinding,
  type BindingsByNamespace,
} from '@pod-identity/crd-types';
import { FiledBindings } from './filed-bindings.ts';
import { factsOf } from '../pod-facts.ts';
import { SelectorBindings } from './selector-bindings.ts';
import type { PodView } from '../views.ts';

export class FoundBindings {
  readonly #bySelector = new SelectorBindings();
  readonly #reaching = new SelectorBindings();
  /** By namespace: bindings with conditions besides the label, or without a label. */
  readonly #filed = new Map<string, FiledBindings>();

  add(binding: AzureIdentityBinding): void {
    if (binding.spec.selector !== '') this.#bySelector.add(binding);
    if (!looksBeyondLabel(binding)) return;
    const namespace = namespaceOf(binding);
    const filed = this.#filed.get(namespace) ?? new FiledBindings();
    filed.add(binding);
    this.#filed.set(namespace, filed);
  }

  remove(binding: AzureIdentityBinding): void {
    this.#bySelector.remove(binding);
    this.#reaching.remove(binding);
    if (!looksBeyondLabel(binding)) return;
    const namespace = namespaceOf(binding);
    const filed = this.#filed.get(namespace);
    filed?.remove(binding);
    if (filed?.isEmpty === true) this.#filed.delete(namespace);
  }

  /** `allowed`: the namespaces that the binding's identity allows. */
  setReach(binding: AzureIdentityBinding, allowed: AllowedNamespaces | undefined): void {
    if (binding.spec.selector === '' || hasOwnConditions(binding)) return;
    if (allowed === undefined) this.#reaching.remove(binding);
    else this.#reaching.add(binding);
  }

  /** Whether bindings of the namespace select pods by more than the label. */
  looksBeyondLabel(namespace: string): boolean {
    return this.#filed.has(namespace);
  }

  /** Broad bindings of the namespace, for matching. */
  broad(namespace: string): readonly AzureIdentityBinding[] {
    return this.#filed.get(namespace)?.broad ?? [];
  }

  /** The bindings of `looksBeyondLabel` that count and select the pod. */
  selecting(pod: PodView): AzureIdentityBinding[] {
    return this.#filed.get(pod.namespace)?.selecting(factsOf(pod)) ?? [];
  }

  withSelector(selector: string): BindingsByNamespace {
    return this.#bySelector.of(selector);
  }

  /** Bindings whose identity may be for pods of other namespaces. */
  reachingOut(selector: string): BindingsByNamespace {
    return this.#reaching.of(selector);
  }

  has(selector: string, namespace: string): boolean {
    return this.#bySelector.has(selector, namespace);
  }
}

function looksBeyondLabel(binding: AzureIdentityBinding): boolean {
  return binding.spec.selector === '' || hasOwnConditions(binding);
}

function namespaceOf({ metadata }: AzureIdentityBinding): string {
  return metadata.namespace ?? '';
}
