import type { PodView } from '../identify/pod-view.ts';

export interface Grace {
  /** How long after its start a pod waits for missing bindings and identities; 0: not at all. */
  readonly bindingGraceMs: number;
  /** Milliseconds since the epoch, by the clock of the pod's node. */
  readonly now: number;
}

/**
 * What is left of the grace period, in milliseconds. It begins at `status.startTime`, which the kubelet writes by the node's clock, and
 * which restarts of containers do not change. 0 for a pod without it. A start in the future counts as now, unless it is later than
 * the grace period: then the clock was set back, and nothing is left.
 */
export function graceLeftMs({ acceptedAt }: PodView, { bindingGraceMs, now }: Grace): number {
  if (acceptedAt === undefined) return 0;
  const ageMs = now - acceptedAt;
  return Math.abs(ageMs) < bindingGraceMs ? bindingGraceMs - Math.max(0, ageMs) : 0;
}

/**
 * How long one request waits while an object or a right is missing. Short, so that a mistake is reported soon; a program that retries waits
 * with several requests. Longer than the 5 s after which a denied right is reviewed again.
 */
export const longestForMissingMs = 6_000;
