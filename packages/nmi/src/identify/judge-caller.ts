// Who a caller is when the answer of the API server alone is not enough, or is missing.

import type { CallerAnswer, NoHolderAnswer, PodCheck } from './answers.ts';
import { differs, isTelling, type Neighbour } from './neighbour.ts';
import type { PodView } from './pod-view.ts';
import type { Tie } from './ties.ts';

export interface KernelFacts {
  readonly address: string;
  readonly tie: Tie | undefined;
  /** The entry now. */
  readonly neighbour: Neighbour | undefined;
  /** Whether the kernel shows running containers of the pod now. */
  readonly areRunning: () => boolean;
}

/** Whether the kernel shows that a terminating pod has its address, or that it no longer has it. */
export function heldByKernel({ address, tie, neighbour, areRunning }: KernelFacts): 'yes' | 'no' | 'unknown' {
  if (differs(tie?.neighbour, neighbour)) return !tie?.isOwn && areRunning() ? 'yes' : 'no';
  const isSame = tie !== undefined && tie.neighbour === neighbour && isTelling(tie.neighbour, address);
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
