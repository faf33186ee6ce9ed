import type { AzureIdentityBinding } from '../objects/azure-identity-binding.ts';
import { sortByName } from './bindings-by-namespace.ts';
import { bindingLabelOf, hasOwnConditions, selectsPod, type PodFacts } from './selection.ts';

/**
 * Limit of bindings of one namespace that apply to one pod: its editor can create any number, and each costs an AzureAssignedIdentity,
 * a log line or an Event for every pod. Of bindings with conditions besides the label, as many are compared with each pod.
 */
export const mostBindingsPerNamespace = 100;

/** `withSelector`: bindings with the pod's label as selector, sorted by name. */
export function ownBindings(
  withSelector: readonly AzureIdentityBinding[],
  input: {
    readonly pod: PodFacts;
    readonly bindingsWithConditions: (namespace: string) => Iterable<AzureIdentityBinding>;
  },
): OwnBindings {
  const { pod } = input;
  const label = bindingLabelOf(pod) ?? '';
  const conditional = sortByName(input.bindingsWithConditions(pod.namespace));
  const surplus = conditional[mostBindingsPerNamespace];
  const compared = conditional.slice(0, mostBindingsPerNamespace);
  const plain = withSelector.filter((binding) => !hasOwnConditions(binding));
  const found = new OwnBindings();
  for (const binding of sortByName([...plain, ...compared])) {
    if (found.isFull && found.surplus !== undefined) break;
    if (selectsPod(binding, pod)) found.add(binding);
    else if (label !== '' && binding.spec.selector === label) found.unselected ??= binding;
  }
  found.surplus ??= surplus;
  return found;
}

/** Bindings of the pod's own namespace, by name. */
export class OwnBindings {
  readonly selecting: AzureIdentityBinding[] = [];
  /** The first binding whose selector is the pod's label, but whose other conditions do not match. */
  unselected: AzureIdentityBinding | undefined;
  /** The first binding beyond the limit: one that selects the pod, or one with conditions, which is not compared with the pod any more. */
  surplus: AzureIdentityBinding | undefined;

  get isFull(): boolean {
    return this.selecting.length === mostBindingsPerNamespace;
  }

  add(binding: AzureIdentityBinding): void {
    if (this.isFull) this.surplus ??= binding;
    else this.selecting.push(binding);
  }
}

/** Whether any selects the pod, or at least has its label as selector; the surplus may be for others. */
export function hasAny({ selecting, unselected }: OwnBindings): boolean {
  return selecting.length > 0 || unselected !== undefined;
}
