// Limits the memory for labels of Namespaces, since every NMI keeps those of all of them.
import type { Labels } from '@pod-identity/crd-types';

/** The labels of 10,000 Namespaces with 400 characters each: a sixteenth of the heap in the manifest. */
const mostCharacters = 4 * 1024 * 1024;

interface DroppedLabels {
  /** How many Namespaces lost their labels. */
  readonly count: number;
  /** The one with the longest labels. */
  readonly longest: string;
}

/**
 * The labels of Namespaces, each as one string. If they are too many in all, the longest are dropped: whoever creates Namespaces with many
 * labels does not displace the short labels of others. Dropped labels are not known until they are read again.
 */
export class NamespaceLabels {
  readonly #most: number;
  readonly #texts = new Map<string, string>();
  readonly #dropped = new Set<string>();
  #characters = 0;
  #revision = 0;

  constructor(most = mostCharacters) {
    this.#most = most;
  }

  /** Increases with every change. */
  get revision(): number {
    return this.#revision;
  }

  /** Returns what was dropped, if anything. */
  put(name: string, labels: Labels | undefined): DroppedLabels | undefined {
    const text = labels === undefined ? undefined : JSON.stringify(labels);
    // A list reads all of them again: decisions that were made from them still count.
    if (text === this.#texts.get(name) && !this.#dropped.has(name)) return undefined;
    this.remove(name);
    if (text === undefined) return undefined;
    this.#texts.set(name, text);
    this.#characters += text.length;
    return this.#characters > this.#most ? this.#drop() : undefined;
  }

  remove(name: string): void {
    this.#revision += 1;
    this.#dropped.delete(name);
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

  /** Leaves a quarter free, so that this is rare. */
  #drop(): DroppedLabels {
    const byLength = [...this.#texts].sort(([, a], [, b]) => b.length - a.length);
    let count = 0;
    for (const [name] of byLength) {
      if (this.#characters <= (this.#most * 3) / 4) break;
      this.remove(name);
      this.#dropped.add(name);
      count += 1;
    }
    return { count, longest: byLength[0]?.[0] ?? '' };
  }
}
