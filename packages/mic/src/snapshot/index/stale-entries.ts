// Pods that changes of other objects concern, to be evaluated again. Namespaces take turns, since one edit can concern thousands of
// pods of its namespace.
import { namespaceOf } from '../keys.ts';
import type { Entry } from './pod-entries.ts';

/** The stale entries of a namespace, and where its turns have come to. */
interface Line {
  readonly entries: Set<Entry>;
  readonly order: Iterator<Entry, undefined>;
}

export class StaleEntries {
  /** In order of turns. */
  readonly #lines = new Map<string, Line>();

  get size(): number {
    return this.#lines.size;
  }

  hasIn(namespace: string): boolean {
    return this.#lines.has(namespace);
  }

  all(): readonly Entry[] {
    return [...this.#lines.values()].flatMap(({ entries }) => [...entries]);
  }

  /** To be called with an entry that is not stale. */
  add(entry: Entry): void {
    entry.isStale = true;
    const namespace = namespaceOf(entry.key);
    const line = this.#lines.get(namespace) ?? lineOf(new Set());
    line.entries.add(entry);
    this.#lines.set(namespace, line);
  }

  delete(entry: Entry): void {
    if (!entry.isStale) return;
    entry.isStale = false;
    const namespace = namespaceOf(entry.key);
    const line = this.#lines.get(namespace);
    line?.entries.delete(entry);
    if (line?.entries.size === 0) this.#lines.delete(namespace);
  }

  /** Takes the entry whose namespace has the turn. */
  next(): Entry | undefined {
    for (const [namespace, line] of this.#lines) {
      // All are ahead: what was taken is deleted, and what is added again comes last.
      const { value } = line.order.next();
      this.#lines.delete(namespace);
      if (value) {
        line.entries.delete(value);
        value.isStale = false;
      }
      if (line.entries.size > 0) this.#lines.set(namespace, line);
      return value;
    }
    return undefined;
  }
}

function lineOf(entries: Set<Entry>): Line {
  return { entries, order: entries.values() };
}
