type Labels = Readonly<Record<string, string>>;

/** Why the labels of a Namespace are not known. MIC and NMI use the same text, so that their Events are merged. */
export const labelsDropped = 'the labels of all Namespaces together are too many to be kept';

export interface DroppedLabels {
  /** How many Namespaces lost their labels. */
  readonly count: number;
  /** The one with the longest labels. */
  readonly longest: string;
}

/**
 * The labels of Namespaces, each as one string, within a bound for all of them. If they are too many, the longest are dropped, and of
 * equally long ones the newest: labels of at most three quarters of the bound divided by the number of Namespaces are never dropped,
 * whatever Namespaces others create. Dropped labels are not known until they are read again.
 */
export class NamespaceLabels {
  readonly #most: number;
  readonly #texts = new Map<string, string>();
  readonly #dropped = new Set<string>();
  #changed = new Set<string>();
  #characters = 0;
  #revision = 0;

  /** @param most Characters of all labels as JSON. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Increases with every change. */
  get revision(): number {
    return this.#revision;
  }

  /** The number of Namespaces whose labels are dropped. */
  get leftOut(): number {
    return this.#dropped.size;
  }

  /** Returns what was dropped, if anything. */
  put(name: string, labels: Labels | undefined): DroppedLabels | undefined {
    const text = labels === undefined ? undefined : JSON.stringify(labels);
    // A list reads all of them again: decisions that were made from them still count.
    if (text === this.#texts.get(name) && !this.#dropped.has(name)) return undefined;
    const wasDropped = this.#dropped.has(name);
    this.remove(name);
    if (wasDropped) this.#changed.add(name);
    if (text === undefined) return undefined;
    this.#texts.set(name, text);
    this.#characters += text.length;
    return this.#characters > this.#most ? this.#drop() : undefined;
  }

  remove(name: string): void {
    this.#revision += 1;
    this.#dropped.delete(name);
    this.#changed.delete(name);
    this.#characters -= this.#texts.get(name)?.length ?? 0;
    this.#texts.delete(name);
  }

  /** Whether there may be room again for labels that were dropped. */
  hasRoom(): boolean {
    return this.#dropped.size > 0 && this.#characters < this.#most / 2;
  }

  of(name: string): Labels | undefined {
    const text = this.#texts.get(name);
    return text === undefined ? undefined : (JSON.parse(text) as Labels);
  }

  isDropped(name: string): boolean {
    return this.#dropped.has(name);
  }

  /** To be called after a complete list: forgets Namespaces that only a list that failed had. */
  retain(isKnown: (name: string) => boolean): void {
    for (const name of [...this.#texts.keys(), ...this.#dropped]) if (!isKnown(name)) this.remove(name);
  }

  /** The Namespaces whose labels were dropped since the last call, or may be known again: no change of the Namespace tells that. */
  takeChanged(): ReadonlySet<string> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  /** Leaves a quarter free, so that this is rare. */
  #drop(): DroppedLabels {
    const byLength = [...this.#texts].reverse().sort(([, a], [, b]) => b.length - a.length);
    let count = 0;
    for (const [name] of byLength) {
      if (this.#characters <= (this.#most * 3) / 4) break;
      this.remove(name);
      this.#dropped.add(name);
      this.#changed.add(name);
      count += 1;
    }
    return { count, longest: byLength[0]?.[0] ?? '' };
  }
}
