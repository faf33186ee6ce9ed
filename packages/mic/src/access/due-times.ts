interface Due {
  readonly dueAt: number;
}

/** Resolution of the schedule: pairs due in the same slot are taken together. */
const slotMs = 1_000;

/** A schedule. Adding and removing cost the same for any size. */
export class DueTimes<T extends Due> {
  readonly #slots = new Map<number, Set<T>>();
  readonly #slotOf = new Map<T, number>();

  add(item: T): void {
    this.remove(item);
    const slot = slotOf(item.dueAt);
    const items = this.#slots.get(slot) ?? new Set<T>();
    this.#slots.set(slot, items.add(item));
    this.#slotOf.set(item, slot);
  }

  /** Returns whether the item was in the schedule. */
  remove(item: T): boolean {
    const slot = this.#slotOf.get(item);
    if (slot === undefined) return false;
    this.#slotOf.delete(item);
    const items = this.#slots.get(slot);
    items?.delete(item);
    if (items?.size === 0) this.#slots.delete(slot);
    return true;
  }

  /** Removes and returns everything due by now. */
  take(now: number): T[] {
    const due = [...this.#slots.keys()].filter((slot) => slot * slotMs <= now).sort((a, b) => a - b);
    const items = due.flatMap((slot) => [...(this.#slots.get(slot) ?? [])]);
    for (const item of items) this.remove(item);
    return items;
  }

  /** When the next item can be taken; undefined if there is none. */
  get nextAt(): number | undefined {
    if (this.#slots.size === 0) return undefined;
    return Math.min(...this.#slots.keys()) * slotMs;
  }
}

/** The first slot that ends no earlier than the item is due, so that it is never taken early. */
function slotOf(dueAt: number): number {
  return Math.max(0, Math.ceil(dueAt / slotMs));
}
