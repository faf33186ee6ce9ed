// Which bindings select each pod of a namespace by more than the label: found once for all pods with the same labels and ServiceAccount,
// and in several parts where there are many bindings. To be thrown away when the meaning of one of them changes.
import type { AzureIdentityBinding } from '@pod-identity/crd-types';
import { factsOf } from '../pod-facts.ts';
import type { PodView } from '../views.ts';
import type { FiledBindings } from './filed-bindings.ts';

/** Names of the bindings, since newer copies of them can mean the same. */
export type Selection = readonly string[];

/** Limit for one namespace: a selection counts once, and once for each binding. */
const mostSelections = 50_000;

interface Begun {
  readonly pod: PodView;
  readonly steps: Iterator<undefined, readonly AzureIdentityBinding[]>;
}

export class Selections {
  readonly #filed: FiledBindings;
  /** Pods of one application have the same labels, as one object, and mostly the same ServiceAccount. */
  #known = new WeakMap<object, Map<string, Selection>>();
  #weight = 0;
  #begun: Begun | undefined;

  constructor(filed: FiledBindings) {
    this.#filed = filed;
  }

  of(pod: PodView): Selection {
    return this.#known.get(alikeOf(pod))?.get(pod.serviceAccount) ?? this.#find(pod, Infinity) ?? [];
  }

  /** To be called when a binding has another copy. */
  restart(): void {
    this.#begun = undefined;
  }

  /** Returns whether the selection is known, after so many more steps at most. */
  find(pod: PodView, steps: number): boolean {
    const isKnown = this.#known.get(alikeOf(pod))?.has(pod.serviceAccount) === true;
    return isKnown || this.#find(pod, steps) !== undefined;
  }

  #find(pod: PodView, most: number): Selection | undefined {
    if (most === 0) return undefined;
    const isBegun = this.#begun?.pod === pod;
    const begun = this.#begun && isBegun ? this.#begun : { pod, steps: this.#filed.selecting(factsOf(pod)) };
    for (let left = most; left > 0; left -= 1) {
      const { done, value } = begun.steps.next();
      if (done !== true) continue;
      if (isBegun) this.#begun = undefined;
      return this.#keep(
        pod,
        value.map(({ metadata }) => metadata.name),
      );
    }
    this.#begun = begun;
    return undefined;
  }

  #keep(pod: PodView, selection: Selection): Selection {
    this.#weight += 1 + selection.length;
    if (this.#weight > mostSelections) {
      this.#known = new WeakMap();
      this.#weight = 1 + selection.length;
    }
    const alike = this.#known.get(alikeOf(pod)) ?? new Map<string, Selection>();
    this.#known.set(alikeOf(pod), alike.set(pod.serviceAccount, selection));
    return selection;
  }
}

function alikeOf(pod: PodView): object {
  return pod.labels ?? pod;
}
