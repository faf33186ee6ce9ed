// Who a caller is when the answer of the API server alone is not enough, or is missing.

import type { CallerAnswer, NoHolderAnswer, PodCheck } from './answers.ts';
import { differs, isTelling, type Neighbour } from './neighbour.ts';
import type { PodView } from './pod-view.ts';

export interface EndingCase {
  readonly address: string;
  /** The kernel's entry when the pod was last confirmed. */
  readonly tie: Neighbour | undefined;
  /** The entry now, read after the connection was opened. */
  readonly neighbour: Neighbour | undefined;
  /** Another pod of the node may have an address that was not reported yet. */
  readonly othersAwait: boolean;
}

/** Whether a terminating pod still has its address: the network may have assigned it to a pod that was not reported yet. */
export function stillHasAddress({ address, tie, neighbour, othersAwait }: EndingCase): boolean {
  if (differs(tie, neighbour)) return false;
  const isSame = tie !== undefined && tie === neighbour && isTelling(tie, address);
  return isSame || !othersAwait;
}

export interface UnansweredCase {
  readonly why: NoHolderAnswer['why'];
  readonly mode: PodCheck['mode'];
  /** The last answer about the address: of the API server if there is one, otherwise of the watch. */
  readonly last: CallerAnswer;
  /** The watch received something since then, and recently. */
  readonly isTrusted: boolean;
  readonly tie: Neighbour | undefined;
  readonly neighbour: Neighbour | undefined;
}

/** Who the caller is if the API server did not answer. */
export function judgeUnanswered({
  why,
  mode,
  last,
  isTrusted,
  tie,
  neighbour,
}: UnansweredCase): CallerAnswer {
  if (last.kind !== 'pod') return last;
  if (mode === 'off' && why !== 'crowded') return last;
  const isValid = why === 'away' && mode === 'live' && isTrusted && !differs(tie, neighbour);
  return isValid ? last : unconfirmed(last.pod);
}

export const unconfirmed = (pod: PodView): CallerAnswer => ({ kind: 'unconfirmed', pod });
