// Namespaces whose pods MIC could not list before its first decision. Their bindings are not all known either: nothing that their pods may
// have is detached (`ClusterIndex.mayBeNeeded`), and they get nothing more until they are listed (`PodSource`).

export class UnlistedNamespaces {
  readonly #names = new Set<string>();
  readonly #onChange: (namespaces: readonly string[]) => void;

  /** `onChange` is called with namespaces whose pods may count for something else, and after whose listing less may be needed. */
  constructor(onChange: (namespaces: readonly string[]) => void) {
    this.#onChange = onChange;
  }

  has(namespace: string): boolean {
    return this.#names.has(namespace);
  }

  get size(): number {
    return this.#names.size;
  }

  add(namespaces: readonly string[]): void {
    for (const namespace of namespaces) this.#names.add(namespace);
    this.#onChange(namespaces);
  }

  /** To be called when all pods of the namespace are known, or need not be. */
  delete(namespace: string): void {
    if (this.#names.delete(namespace)) this.#onChange([namespace]);
  }
}
