import type { AssignedView } from '../views.ts';

/**
 * The AzureAssignedIdentities that name one pod. An editor may write any number that name whichever pod: adding one costs the
 * same, however many there are.
 */
export class PodAssignments {
  readonly #views = new Set<AssignedView>();
  #transient = 0;
  #list: readonly AssignedView[] | undefined;
  #first: AssignedView | undefined;

  get size(): number {
    return this.#views.size;
  }

  /** Whether one is in a state that only MIC can change. */
  get hasTransient(): boolean {
    return this.#transient > 0;
  }

  /** By name. */
  get first(): AssignedView | undefined {
    if (this.#first === undefined) for (const view of this.#views) this.#consider(view);
    return this.#first;
  }

  /** In the order in which they came or changed; another list only when they have changed. */
  get list(): readonly AssignedView[] {
    return (this.#list ??= [...this.#views]);
  }

  replace(before: AssignedView | undefined, after: AssignedView | undefined): void {
    this.#list = undefined;
    if (before && this.#views.delete(before)) {
      this.#transient -= Number(isTransient(before));
      if (this.#first === before) this.#first = undefined;
    }
    if (!after) return;
    this.#transient += Number(isTransient(after));
    if (this.#first !== undefined) this.#consider(after);
    this.#views.add(after);
  }

  #consider(view: AssignedView): void {
    if (this.#first === undefined || view.name < this.#first.name) this.#first = view;
  }
}

function isTransient({ state }: AssignedView): boolean {
  return state === 'Created' || state === 'Unassigned';
}
