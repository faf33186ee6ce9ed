// Namespaces whose pods MIC could not list before its first decision. Their bindings are not all known either: nothing that their pods may
// have is detached, and they get nothing more until they are listed.
import { namespaceOf } from '../keys.ts';
import { Grouped } from './grouped.ts';
import type { Counted, Entry } from './pod-entries.ts';

export class UnlistedNamespaces {
  readonly #names = new Set<string>();
  readonly #entries = new Grouped<string, Entry>();
  readonly #expire: (entry: Entry) => void;
  readonly #all: () => Iterable<Entry>;
  /** Changes with the namespaces. */
  revision = 0;

  readonly #onListed: () => void;

  /** `expire` is called with entries that may count for something else, `onListed` when less may be needed. */
  constructor(all: () => Iterable<Entry>, expire: (entry: Entry) => void, onListed: () => void) {
    this.#all = all;
    this.#expire = expire;
    this.#onListed = onListed;
  }

  has(namespace: string): boolean {
    return this.#names.has(namespace);
  }

  get size(): number {
    return this.#names.size;
  }

  add(namespaces: Iterable<string>): void {
    for (const namespace of namespaces) this.#names.add(namespace);
    this.revision += 1;
    for (const entry of this.#all()) if (this.has(namespaceOf(entry.key))) this.#expire(entry);
  }

  /** To be called when all pods of the namespace are known, or need not be. */
  delete(namespace: string): void {
    if (!this.#names.delete(namespace)) return;
    this.revision += 1;
    this.#onListed();
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
    return { needs: counted.needs, uses: counted.uses, grants: [] };
  }

  forget(entry: Entry): void {
    this.#entries.remove(namespaceOf(entry.key), entry);
  }
}
