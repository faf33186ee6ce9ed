// What may be concluded of a caller when the API server alone does not settle it.

import { type CallerAnswer, type PodCheck } from './answers.ts';
import { differs, isTelling, type Neighbour } from './neighbour.ts';
import type { PodView } from './pod-view.ts';

export interface EndingCase {
  readonly address: string;
  /** What the kernel said when the pod was confirmed last. */
  readonly tie: Neighbour | undefined;
  /** What it says now, after the connection was opened. */
  readonly neighbour: Neighbour | undefined;
  /** Some other pod of the node may have got an address that nobody has reported. */
  readonly othersAwait: boolean;
}

/** Whether a pod that ends still has its address: the network may have given it to a pod that has not been reported. */
export function stillHasAddress({ address, tie, neighbour, othersAwait }: EndingCase): boolean {
  if (differs(tie, neighbour)) return false;
  const isSame = tie !== undefined && tie === neighbour && isTelling(tie, address);
  return isSame || !othersAwait;
}

export interface SilentCase {
  /** away: nothing came back. refused: an HTTP answer that is none, such as 429. crowded: it was not even asked. */
  readonly why: 'away' | 'refused' | 'crowded';
  readonly mode: PodCheck['mode'];
  /** The last word on the address: of the API server if there is one, else of the watch. */
  readonly last: CallerAnswer;
  /** The watch was heard from since that was so, and not too long ago. */
  readonly isTrusted: boolean;
  readonly tie: Neighbour | undefined;
  readonly neighbour: Neighbour | undefined;
}

/** Who calls, when the API server was asked and did not say. */
export function judgeSilence({ why, mode, last, isTrusted, tie, neighbour }: SilentCase): CallerAnswer {
  if (last.kind !== 'pod') return last;
  if (mode === 'off' && why !== 'crowded') return last;
  const isBelieved = why === 'away' && mode === 'live' && isTrusted && !differs(tie, neighbour);
  return isBelieved ? last : unconfirmed(last.pod);
}

export const unconfirmed = (pod: PodView): CallerAnswer => ({ kind: 'unconfirmed', pod });
