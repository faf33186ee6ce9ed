import type { AzureIdentityBinding } from './azure-identity-binding.ts';
import { sortByName } from './bindings-by-namespace.ts';
import { isBroad, selectsPod, type PodFacts } from './selection.ts';

/**
 * Bindings of one namespace that count for one pod: its editor may write any number, and each pod costs an
 * AzureAssignedIdentity, a log line or an Event for every one of them. Of the broad ones as many are looked at.
 */
export const mostBindingsPerNamespace = 100;

/** Of the pod's own namespace, in the order of their names, as far as they are looked at: to the first one that doesn't count. */
export interface OwnBindings {
  readonly selecting: readonly AzureIdentityBinding[];
  /** The first one whose selector is the pod's label, but that asks for something else too. */
  readonly unselected: AzureIdentityBinding | undefined;
  /** Selects the pod, but doesn't count: the first one of those. */
  readonly surplus: AzureIdentityBinding | undefined;
}

/** `withSelector`: those of the pod's label, in the order of their names. */
export function ownBindings(
  withSelector: readonly AzureIdentityBinding[],
  question: {
    readonly pod: PodFacts;
    readonly bindingsWithoutSelector: (pod: PodFacts) => Iterable<AzureIdentityBinding>;
  },
): OwnBindings {
  const { pod } = question;
  const without = sortByName(question.bindingsWithoutSelector(pod));
  const tooBroad = new Set(without.filter(isBroad).slice(mostBindingsPerNamespace));
  const found = new Found();
  for (const binding of without.length === 0 ? withSelector : sortByName([...withSelector, ...without])) {
    if (found.isFull && found.surplus !== undefined) break;
    if (!selectsPod(binding, pod)) found.unselected ??= withLabel(binding);
    else if (found.isFull || tooBroad.has(binding)) found.surplus ??= binding;
    else found.selecting.push(binding);
  }
  return found;
}

class Found implements OwnBindings {
  readonly selecting: AzureIdentityBinding[] = [];
  unselected: AzureIdentityBinding | undefined;
  surplus: AzureIdentityBinding | undefined;

  get isFull(): boolean {
    return this.selecting.length === mostBindingsPerNamespace;
  }
}

function withLabel(binding: AzureIdentityBinding): AzureIdentityBinding | undefined {
  return binding.spec.selector === '' ? undefined : binding;
}

export function hasAny({ selecting, unselected, surplus }: OwnBindings): boolean {
  return selecting.length > 0 || (unselected ?? surplus) !== undefined;
}
