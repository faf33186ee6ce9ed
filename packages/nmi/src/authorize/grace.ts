import type { PodView } from '../identify/pod-view.ts';
import type { Decision } from './types.ts';

export interface Grace {
  /** How long after its start a pod waits for bindings and identities that may be created after it; 0: not at all. */
  readonly bindingGraceMs: number;
  /** Milliseconds since the epoch, by the clock of the pod's node. */
  readonly now: number;
}

/**
 * The milliseconds for which the pod still counts as young. Its start is what its kubelet wrote (`status.startTime`): by the clock
 * that the agent of the node has, later than creation by as long as the pod was not scheduled, and not moved by containers
 * that crash. A pod without it is not young, nor is one whose start is in the future by more than the grace: the clock was set back.
 */
export function graceLeftMs({ acceptedAt }: PodView, { bindingGraceMs, now }: Grace): number {
  if (acceptedAt === undefined) return 0;
  const ageMs = now - acceptedAt;
  return Math.abs(ageMs) < bindingGraceMs ? bindingGraceMs - ageMs : 0;
}

/** What the pod waits for although it is missing, as it would for an identity that is pending. */
export function awaitedBy(decision: Decision, pod: PodView, grace: Grace): Awaited | undefined {
  const mayCome = decision.kind === 'deny' && decision.mayCome === true;
  return mayCome && graceLeftMs(pod, grace) > 0 ? decision : undefined;
}

export type Awaited = Extract<Decision, { readonly kind: 'deny' }>;
