import type { AssignedView } from '../views.ts';

/**
 * The AzureAssignedIdentities that name one pod. Editors can create any number for any pod: adding one costs the same for any number.
 */
export class PodAssignments {
  readonly #views = new Set<AssignedView>();
  #transient = 0;
  #list: readonly AssignedView[] | undefined;
  #first: AssignedView | undefined;

  get size(): number {
    return this.#views.size;
  }

  /** Whether one has a state that only MIC can change. */
  get hasTransient(): boolean {
    return this.#transient > 0;
  }

  /** The first one by name. */
  get first(): AssignedView | undefined {
    if (this.#first === undefined) for (const view of this.#views) this.#consider(view);
    return this.#first;
  }

  /** In the order of their last changes; a new array only after a change. */
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
