// Who a caller is when the answer of the API server alone is not enough, or is missing.

import type { CallerResult, NoHolderResult, PodCheck } from './results.ts';
import { differs, isConclusive, type Neighbour } from './neighbour.ts';
import type { PodView } from './pod-view.ts';
import type { ConfirmedNeighbour } from './confirmed-neighbours.ts';

export interface KernelFacts {
  readonly address: string;
  readonly confirmed: ConfirmedNeighbour | undefined;
  /** The entry now. */
  readonly neighbour: Neighbour | undefined;
  /** Whether the kernel shows running containers of the pod now. */
  readonly areRunning: () => boolean;
}

/** Whether the kernel shows that a terminating pod has its address, or that it no longer has it. */
export function heldByKernel({
  address,
  confirmed,
  neighbour,
  areRunning,
}: KernelFacts): 'yes' | 'no' | 'unknown' {
  if (differs(confirmed?.neighbour, neighbour)) return !confirmed?.isOwn && areRunning() ? 'yes' : 'no';
  const isSame =
    confirmed !== undefined &&
    confirmed.neighbour === neighbour &&
    isConclusive(confirmed.neighbour, address);
  return isSame || areRunning() ? 'yes' : 'unknown';
}

/**
 * Whether a terminating pod still has its address. If the kernel does not show it, the network may have assigned it to any pod
 * without a reported address: one that has waited for its volume for hours may have got it a moment ago.
 */
export function stillHasAddress(facts: KernelFacts, othersAwait: () => boolean): boolean {
  const held = heldByKernel(facts);
  return held === 'yes' || (held === 'unknown' && !othersAwait());
}

export interface UnansweredCase {
  readonly why: NoHolderResult['why'];
  readonly mode: PodCheck['mode'];
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
  mode,
  last,
  isTrusted,
  confirmed,
  neighbour,
}: UnansweredCase): CallerResult {
  if (last.kind !== 'pod') return last;
  if (mode === 'off' && why !== 'crowded') return last;
  const isValid = why === 'away' && mode === 'live' && isTrusted && !differs(confirmed, neighbour);
  return isValid ? last : unconfirmed(last.pod);
}

export const unconfirmed = (pod: PodView): CallerResult => ({ kind: 'unconfirmed', pod });
