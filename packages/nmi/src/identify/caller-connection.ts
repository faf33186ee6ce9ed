import type { Neighbour } from './neighbour.ts';
import type { PodView } from './pod-view.ts';

/** A caller's connection. What is found out of who is at its other end stays with it. */
export interface CallerConnection {
  /** As `Clock.elapsed` counts: setting the machine's clock changes nothing. */
  readonly openedAt: number;
  /** What the node's kernel said of the caller's address when it was opened. */
  neighbour: Neighbour | undefined;
  /** The pod that it was found to belong to: it is nobody else's to its end. */
  owner: PodView | undefined;
  /** It is closed after the answer. */
  isLast: boolean;
}
