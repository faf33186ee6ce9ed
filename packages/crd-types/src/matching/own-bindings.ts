import type { AzureIdentityBinding } from '../objects/azure-identity-binding.ts';
import { sortByName } from './bindings-by-namespace.ts';
import { isBroad, selectsPod, type PodFacts } from './selection.ts';

/**
 * Limit of bindings of one namespace that apply to one pod: its editor can create any number, and each costs an AzureAssignedIdentity,
 * a log line or an Event for every pod. Broad bindings are evaluated up to the same number.
 */
export const mostBindingsPerNamespace = 100;

/** `withSelector`: bindings with the pod's label as selector, sorted by name. */
export function ownBindings(
  withSelector: readonly AzureIdentityBinding[],
  input: {
    readonly pod: PodFacts;
    readonly bindingsWithoutSelector: (pod: PodFacts) => Iterable<AzureIdentityBinding>;
  },
): OwnBindings {
  const { pod } = input;
  const without = sortByName(input.bindingsWithoutSelector(pod));
  const mayBeTooMany = without.length > mostBindingsPerNamespace;
  const tooBroad = new Set(mayBeTooMany ? without.filter(isBroad).slice(mostBindingsPerNamespace) : []);
  const found = new OwnBindings();
  for (const binding of without.length === 0 ? withSelector : sortByName([...withSelector, ...without])) {
    if (found.isFull && found.surplus !== undefined) break;
    if (tooBroad.has(binding)) found.surplus ??= binding;
    else if (selectsPod(binding, pod)) found.add(binding);
    else found.unselected ??= withLabel(binding);
  }
  return found;
}

/** Bindings of the pod's own namespace, by name. */
export class OwnBindings {
  readonly selecting: AzureIdentityBinding[] = [];
  /** The first binding whose selector is the pod's label, but whose other conditions do not match. */
  unselected: AzureIdentityBinding | undefined;
  /** The first binding beyond the limit: one that selects the pod, or a broad one, which is not compared with the pod any more. */
  surplus: AzureIdentityBinding | undefined;

  get isFull(): boolean {
    return this.selecting.length === mostBindingsPerNamespace;
  }

  add(binding: AzureIdentityBinding): void {
    if (this.isFull) this.surplus ??= binding;
    else this.selecting.push(binding);
  }
}

function withLabel(binding: AzureIdentityBinding): AzureIdentityBinding | undefined {
  return binding.spec.selector === '' ? undefined : binding;
}

/** Whether any selects the pod, or at least has its label as selector; the surplus may be for others. */
export function hasAny({ selecting, unselected }: OwnBindings): boolean {
  return selecting.length > 0 || unselected !== undefined;
}
