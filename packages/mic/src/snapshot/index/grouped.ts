/** Sets by key, without empty ones. The cost of a key does not depend on the members of others. */
export class Grouped<K, V> {
  readonly #sets = new Map<K, Set<V>>();

  add(key: K, value: V): void {
    const set = this.#sets.get(key);
    if (set) set.add(value);
    else this.#sets.set(key, new Set([value]));
  }

  remove(key: K, value: V): void {
    const set = this.#sets.get(key);
    if (set?.delete(value) && set.size === 0) this.#sets.delete(key);
  }

  of(key: K): ReadonlySet<V> {
    return this.#sets.get(key) ?? (nobody as ReadonlySet<V>);
  }

  keys(): Iterable<K> {
    return this.#sets.keys();
  }
}

const nobody: ReadonlySet<unknown> = new Set();
