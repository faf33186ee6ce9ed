// Pods that changes of other objects concern, to be evaluated again. Namespaces take turns, since one edit can concern thousands of
// pods of its namespace.
import { namespaceOf } from '../keys.ts';
import type { Entry } from './pod-entries.ts';

/** The stale entries of a namespace, and where its turns have come to: the current one can need several. */
interface Line {
  readonly entries: Set<Entry>;
  readonly order: Iterator<Entry, undefined>;
  current: Entry | undefined;
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
    if (line === undefined) return;
    line.entries.delete(entry);
    if (line.current === entry) line.current = undefined;
    if (line.entries.size === 0) this.#lines.delete(namespace);
  }

  /** The entry whose namespace has the turn. It stays stale until it is deleted, and is the first one in the next turn until then. */
  next(): Entry | undefined {
    for (const [namespace, line] of this.#lines) {
      this.#lines.delete(namespace);
      this.#lines.set(namespace, line);
      // All are ahead: what was taken is deleted, and what is added again comes last.
      line.current ??= line.order.next().value;
      return line.current;
    }
    return undefined;
  }
}

function lineOf(entries: Set<Entry>): Line {
  return { entries, order: entries.values(), current: undefined };
}
