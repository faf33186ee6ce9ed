// Watches of namespaces that nobody wants just now. They stay for a while, since each new watch lists all pods of its namespace, and
// whoever creates and deletes one binding could cause any number of lists.
import type { Clock, Timer } from '@pod-identity/kit/core';
import type { WantedNamespace } from './wanted-namespace.ts';

const lingerMs = 60_000;

interface Options {
  readonly clock: Clock;
  /** Called with what has stayed long enough, or has to go. */
  readonly end: (namespace: string, entry: WantedNamespace) => void;
}

export class Lingering {
  readonly #options: Options;
  /** In the order of their arrival. */
  readonly #kept = new Map<string, { readonly entry: WantedNamespace; readonly timer: Timer }>();

  constructor(options: Options) {
    this.#options = options;
  }

  keep(namespace: string, entry: WantedNamespace): void {
    const timer = this.#options.clock.after(lingerMs, () => this.#end(namespace));
    this.#kept.set(namespace, { entry, timer });
  }

  get(namespace: string): WantedNamespace | undefined {
    return this.#kept.get(namespace)?.entry;
  }

  /** Its watches are the caller's again. */
  take(namespace: string): WantedNamespace | undefined {
    const kept = this.#kept.get(namespace);
    kept?.timer.cancel();
    this.#kept.delete(namespace);
    return kept?.entry;
  }

  /** For a namespace that needs a watch. Returns whether there was one. */
  endOldest(): boolean {
    const [oldest] = this.#kept.keys();
    if (oldest === undefined) return false;
    this.#end(oldest);
    return true;
  }

  cancel(): void {
    for (const { timer } of this.#kept.values()) timer.cancel();
  }

  #end(namespace: string): void {
    const entry = this.take(namespace);
    if (entry) this.#options.end(namespace, entry);
  }
}
