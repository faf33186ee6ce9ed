// Who a caller is when the answer of the API server alone is not enough, or is missing.

import type { CallerResult, NoHolderResult } from './results.ts';
import { differs, type Neighbour } from './neighbour.ts';
import type { PodView } from './pod-view.ts';
import type { RunningContainers } from './running-containers.ts';

/**
 * Whether a pod may have lost its address. A pod that finishes gives it away before its kubelet reports that: of its containers none runs then,
 * and a pod without any sends no requests. If the kernel shows nothing, a terminating pod has its address only while no other pod may have got
 * it: one that has waited for its volume for hours may have got it a moment ago. So it is if the kernel has another entry for the address: CRI-O
 * ends the network of a pod whose containers can't be killed.
 */
export function mayHaveLeft(
  pod: PodView,
  { othersAwait = false, hasMoved = false }: { othersAwait?: boolean | undefined; hasMoved?: boolean },
  containers: RunningContainers,
): boolean {
  const shown = containers.of(pod);
  if (shown === 'none' || !pod.isEnding) return shown === 'none';
  return shown === 'running' ? hasMoved && othersAwait : hasMoved || othersAwait;
}

export interface UnansweredCase {
  readonly why: NoHolderResult['why'];
  /** The last answer about the address: of the API server if there is one, otherwise of the watch. */
  readonly last: CallerResult;
  /** The watch received something since then, and recently. */
  readonly isTrusted: boolean;
  readonly confirmed: Neighbour | undefined;
  readonly neighbour: Neighbour | undefined;
}

/** Who the caller is if the API server did not answer. */
export function judgeUnanswered({
  why,
  last,
  isTrusted,
  confirmed,
  neighbour,
}: UnansweredCase): CallerResult {
  if (last.kind !== 'pod') return last;
  const isValid = why === 'away' && isTrusted && !differs(confirmed, neighbour);
  return isValid ? last : unconfirmed(last.pod);
}

export const unconfirmed = (pod: PodView): CallerResult => ({ kind: 'unconfirmed', pod });
