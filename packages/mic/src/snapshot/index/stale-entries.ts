// Pods that changes of other objects concern, to be evaluated again. Namespaces take turns, since one edit can concern thousands of
// pods of its namespace.
import { createFairQueue } from '@pod-identity/kit/core';
import { namespaceOf } from '../keys.ts';
import { Grouped } from './grouped.ts';
import type { Entry } from './pod-entries.ts';

/** At most one item for each pod, so it needs no limit. */
const unbounded = { total: Infinity, perNamespace: Infinity, perPod: Infinity };

export class StaleEntries {
  readonly #entries = new Grouped<string, Entry>();
  readonly #turns = createFairQueue<Entry>(unbounded);

  get size(): number {
    return this.#turns.size;
  }

  has(entry: Entry): boolean {
    return this.#entries.of(namespaceOf(entry.key)).has(entry);
  }

  hasIn(namespace: string): boolean {
    return this.#entries.of(namespace).size > 0;
  }

  all(): readonly Entry[] {
    return [...this.#entries.keys()].flatMap((namespace) => [...this.#entries.of(namespace)]);
  }

  /** Returns whether it was not there. */
  add(entry: Entry): boolean {
    if (this.has(entry)) return false;
    const namespace = namespaceOf(entry.key);
    this.#entries.add(namespace, entry);
    this.#turns.add({ namespace, pod: '' }, entry);
    return true;
  }

  delete(entry: Entry): void {
    if (this.#turns.remove(entry)) this.#entries.remove(namespaceOf(entry.key), entry);
  }

  /** Takes the entry whose namespace has the turn. */
  next(): Entry | undefined {
    const entry = this.#turns.next();
    if (entry) this.#entries.remove(namespaceOf(entry.key), entry);
    return entry;
  }
}
