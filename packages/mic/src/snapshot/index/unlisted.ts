// Namespaces whose pods MIC could not list before its first decision. Their bindings are not all known either: what their pods have is
// kept, and they get nothing more until they are listed.
import { namespaceOf } from '../keys.ts';
import { Grouped } from './grouped.ts';
import type { Counted, Entry } from './pod-entries.ts';

export class UnlistedNamespaces {
  readonly #names = new Set<string>();
  readonly #entries = new Grouped<string, Entry>();
  readonly #onChange: (namespace: string, entries: readonly Entry[]) => void;

  /** `onChange` gets the entries that were settled while their namespace was not listed. */
  constructor(onChange: (namespace: string, entries: readonly Entry[]) => void) {
    this.#onChange = onChange;
  }

  has(namespace: string): boolean {
    return this.#names.has(namespace);
  }

  add(namespaces: Iterable<string>): void {
    for (const namespace of namespaces) {
      this.#names.add(namespace);
      this.#onChange(namespace, []);
    }
  }

  /** To be called when all pods of the namespace are known, or need not be. */
  delete(namespace: string): void {
    if (!this.#names.delete(namespace)) return;
    const entries = [...this.#entries.of(namespace)];
    for (const entry of entries) this.#entries.remove(namespace, entry);
    this.#onChange(namespace, entries);
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
