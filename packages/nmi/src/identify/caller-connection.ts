import type { Neighbour } from './neighbour.ts';
import type { PodView } from './pod-view.ts';

/** A caller's connection, with what was found about its peer. */
export interface CallerConnection {
  /** By `Clock.elapsed`, which does not change when the machine's clock is set. */
  readonly openedAt: number;
  /** The kernel's neighbour entry for the caller's address when the connection was opened. */
  neighbour: Neighbour | undefined;
  /** The pod that it belongs to. This does not change until it is closed. */
  owner: PodView | undefined;
  /** It is closed after the response. */
  isLast: boolean;
}
