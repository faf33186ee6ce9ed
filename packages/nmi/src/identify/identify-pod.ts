import type { PodView } from './pod-view.ts';

export type Identification =
  | { readonly kind: 'pod'; readonly pod: PodView }
  | { readonly kind: 'none' }
  | { readonly kind: 'ambiguous'; readonly pods: readonly PodView[] };

const none: Identification = { kind: 'none' };

/** How long after its grace a pod may still be there: a kubelet that is busy, clocks that differ. */
const graceSlackMs = 30_000;

/**
 * The one pod that holds an address, out of all that are filed under it. A finished pod has given its address back. A pod
 * that ends still has it while its containers live, for it may need a token to put things in order; unless a newer one
 * has it too: then the network has moved it on. Init containers run while their pod is Pending, so Pending counts as live.
 */
export function identifyPod(filed: readonly PodView[], now: number): Identification {
  const live = filed.filter((pod) => isLive(pod, now));
  const holders = live.length > 1 ? live.filter((pod) => !pod.isEnding) : live;
  const [pod] = holders;
  if (holders.length === 1 && pod) return { kind: 'pod', pod };
  return live.length === 0 ? none : { kind: 'ambiguous', pods: live };
}

/** Whether it is an older view than the other one: a pod that ends never stops to. */
export const isBehind = (view: PodView, other: PodView): boolean => other.isEnding && !view.isEnding;

/** Whether the pod may have got an address that nobody has reported. Those of the host network get none. */
export function addressIsUnreported(pod: PodView, now: number): boolean {
  return pod.addresses.length === 0 && !pod.isOnHostNetwork && isLive(pod, now);
}

function isLive({ phase, isStopped, endsAt }: PodView, now: number): boolean {
  if (phase !== 'Running' && phase !== 'Pending') return false;
  return !isStopped && (endsAt === undefined || now <= endsAt + graceSlackMs);
}
