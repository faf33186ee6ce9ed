// Pods that changes of other objects concern, to be evaluated again. Namespaces take turns, since one edit can concern thousands of
// pods of its namespace.
import { createFairQueue } from '@pod-identity/kit/core';
import { namespaceOf } from '../keys.ts';
import type { Entry } from './pod-entries.ts';

/** At most one item for each pod, so it needs no limit. */
const unbounded = { total: Infinity, perNamespace: Infinity, perPod: Infinity };

export class StaleEntries {
  readonly #entries = new Set<Entry>();
  readonly #turns = createFairQueue<Entry>(unbounded);

  get size(): number {
    return this.#entries.size;
  }

  has(entry: Entry): boolean {
    return this.#entries.has(entry);
  }

  /** Returns whether it was not there. */
  add(entry: Entry): boolean {
    if (this.#entries.has(entry)) return false;
    this.#entries.add(entry);
    this.#turns.add({ namespace: namespaceOf(entry.key), pod: '' }, entry);
    return true;
  }

  delete(entry: Entry): void {
    if (this.#entries.delete(entry)) this.#turns.remove(entry);
  }

  /** Takes the entry whose namespace has the turn. */
  next(): Entry | undefined {
    const entry = this.#turns.next();
    if (entry) this.#entries.delete(entry);
    return entry;
  }
}
