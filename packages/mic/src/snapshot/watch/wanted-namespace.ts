import type { PodFeed } from './pod-feed.ts';

/** A namespace whose pods are wanted, and the watches that cover it or may do so. */
export class WantedNamespace {
  readonly #name: string;
  #current: PodFeed | undefined;
  /** In the order of their start. */
  #candidates: readonly PodFeed[] = [];
  /** Version of the last change by another watch. */
  #heard: string | undefined;
  readonly #covered = Promise.withResolvers<undefined>();

  constructor(name: string, heard?: string) {
    this.#name = name;
    this.#heard = heard;
  }

  /** Covers the namespace. */
  get current(): PodFeed | undefined {
    return this.#current;
  }

  get feeds(): readonly PodFeed[] {
    return this.#current === undefined ? this.#candidates : [this.#current, ...this.#candidates];
  }

  /** Whether a complete list could not take over yet. */
  get isLate(): boolean {
    return this.#candidates.some(({ isListed }) => isListed);
  }

  get settled(): Promise<unknown> {
    return this.#covered.promise;
  }

  settle(): void {
    this.#covered.resolve(undefined);
  }

  heard(version: string | undefined): void {
    this.#heard = version;
  }

  get lastHeard(): string | undefined {
    return this.#heard;
  }

  add(feed: PodFeed): void {
    this.#candidates = [...this.#candidates, feed];
  }

  /** Removes and returns candidates. */
  takeAway(which: (feed: PodFeed) => boolean): readonly PodFeed[] {
    const removed = this.#candidates.filter(which);
    this.#candidates = this.#candidates.filter((feed) => !removed.includes(feed));
    return removed;
  }

  /**
   * The last candidate takes over that has reached the current watch, so that no pod goes back in time. Returns the watches that are
   * not needed any more; undefined if none took over.
   */
  handOver(): readonly PodFeed[] | undefined {
    const current = this.#current;
    const needed = current ? current.versionOf(this.#name) : this.#heard;
    const at = this.#candidates.findLastIndex((feed) => feed.isListed && feed.hasReached(needed));
    if (at < 0) return undefined;
    const past = this.#candidates.slice(0, at);
    this.#current = this.#candidates[at];
    this.#candidates = this.#candidates.slice(at + 1);
    this.settle();
    return current === undefined ? past : [current, ...past];
  }
}
