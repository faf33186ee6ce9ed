// Watches of namespaces that nobody wants just now. They stay for a while, since each new watch lists all pods of its namespace, and
// whoever creates and deletes one binding could cause any number of lists.
import type { Clock, Timer } from '@pod-identity/kit/core';
import type { WantedNamespace } from './wanted-namespace.ts';

const lingerMs = 60_000;

export class Lingering {
  readonly #clock: Clock;
  readonly #end: (namespace: string, entry: WantedNamespace) => void;
  /** In the order of their arrival. */
  readonly #kept = new Map<string, { readonly entry: WantedNamespace; readonly timer: Timer }>();

  /** `end` is called with what has stayed long enough, or has to go. */
  constructor(clock: Clock, end: (namespace: string, entry: WantedNamespace) => void) {
    this.#clock = clock;
    this.#end = end;
  }

  keep(namespace: string, entry: WantedNamespace): void {
    const timer = this.#clock.after(lingerMs, () => this.#finish(namespace));
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
    this.#finish(oldest);
    return true;
  }

  cancel(): void {
    for (const { timer } of this.#kept.values()) timer.cancel();
  }

  #finish(namespace: string): void {
    const entry = this.take(namespace);
    if (entry) this.#end(namespace, entry);
  }
}
