import type { Neighbour } from './neighbour.ts';
import type { PodView } from './pod-view.ts';

/** A caller's connection. What is found about its peer is added once, and stays until it is closed. */
export class CallerConnection {
  /** By `Clock.elapsed`, which does not change when the machine's clock is set. */
  readonly openedAt: number;
  #neighbour: Neighbour | undefined;
  #owner: PodView | undefined;
  #isLast = false;

  constructor(openedAt: number, neighbour?: Neighbour) {
    this.openedAt = openedAt;
    this.#neighbour = neighbour;
  }

  /** The kernel's neighbour entry for the caller's address when the connection was opened or, if it had none, when the owner was found. */
  get neighbour(): Neighbour | undefined {
    return this.#neighbour;
  }

  /** The pod that it belongs to. */
  get owner(): PodView | undefined {
    return this.#owner;
  }

  /** It is closed after the response. */
  get isLast(): boolean {
    return this.#isLast;
  }

  bind(owner: PodView, neighbour: Neighbour | undefined): void {
    this.#owner ??= owner;
    this.#neighbour ??= neighbour;
  }

  endAfterResponse(): void {
    this.#isLast = true;
  }
}
