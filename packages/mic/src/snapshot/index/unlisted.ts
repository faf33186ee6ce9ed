// Namespaces whose pods MIC could not list before its first decision. Their bindings are not all known either: what their pods have is
// kept, and they get nothing more until they are listed.
import { namespaceOf } from '../keys.ts';
import { Grouped } from './grouped.ts';
import type { Counted, Entry } from './pod-entries.ts';

export class UnlistedNamespaces {
  readonly #names = new Set<string>();
  readonly #entries = new Grouped<string, Entry>();
  readonly #expire: (entry: Entry) => void;
  readonly #all: () => Iterable<Entry>;

  /** `expire` is called with entries that may count for something else. */
  constructor(all: () => Iterable<Entry>, expire: (entry: Entry) => void) {
    this.#all = all;
    this.#expire = expire;
  }

  has(namespace: string): boolean {
    return this.#names.has(namespace);
  }

  add(namespaces: Iterable<string>): void {
    for (const namespace of namespaces) this.#names.add(namespace);
    // Also those with records alone, which may have come before: their pods may run.
    for (const entry of this.#all()) if (this.has(namespaceOf(entry.key))) this.#expire(entry);
  }

  /** To be called when all pods of the namespace are known, or need not be. */
  delete(namespace: string): void {
    if (!this.#names.delete(namespace)) return;
    for (const entry of this.#entries.of(namespace)) {
      this.#entries.remove(namespace, entry);
      this.#expire(entry);
    }
  }

  /** What an entry counts for that would count for `counted` if its namespace were listed. */
  count(entry: Entry, counted: Counted): Counted {
    const namespace = namespaceOf(entry.key);
    if (!this.#names.has(namespace)) return counted;
    this.#entries.add(namespace, entry);
    const had = entry.assigned.list.flatMap(({ resourceId }) => resourceId ?? []);
    return { needs: [...new Set([...counted.needs, ...had])], uses: counted.uses, grants: [] };
  }

  forget(entry: Entry): void {
    this.#entries.remove(namespaceOf(entry.key), entry);
  }
}
