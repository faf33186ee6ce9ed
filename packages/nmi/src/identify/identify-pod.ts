import type { PodView } from './pod-view.ts';

export type Identification =
  | { readonly kind: 'pod'; readonly pod: PodView }
  | { readonly kind: 'none' }
  | { readonly kind: 'ambiguous'; readonly pods: readonly PodView[] };

const none: Identification = { kind: 'none' };

/** How long after its grace period a pod may still exist: the kubelet may be busy, clocks may differ. */
const graceSlackMs = 30_000;

/**
 * The one pod that has an address, of all pods that were reported with it. A finished pod has released its address. A terminating
 * pod keeps it while its containers run, since it may need a token to clean up, at most until 30 s after its grace period, and unless a newer pod
 * has the same address.
 * Init containers run while their pod is Pending, so Pending counts as live.
 */
export function identifyPod(filed: readonly PodView[], now: number): Identification {
  const live = filed.filter((pod) => isLive(pod, now));
  const holders = live.length > 1 ? live.filter((pod) => !pod.isEnding) : live;
  const [pod] = holders;
  if (holders.length === 1 && pod) return { kind: 'pod', pod };
  return live.length === 0 ? none : { kind: 'ambiguous', pods: live };
}

/** Whether it is older than the other view: a terminating pod stays so. */
export const isBehind = (view: PodView, other: PodView): boolean => other.isEnding && !view.isEnding;

/** Whether the pod may have an address that was not reported yet. Pods on the host network have none of their own. */
function addressIsUnreported(pod: PodView, now: number): boolean {
  return pod.addresses.length === 0 && !pod.isOnHostNetwork && isLive(pod, now);
}

export function othersAwait(pods: readonly PodView[], uid: string | undefined, now: number): boolean {
  return pods.some((pod) => pod.uid !== uid && addressIsUnreported(pod, now));
}

function isLive({ phase, isStopped, endsAt }: PodView, now: number): boolean {
  if (phase !== 'Running' && phase !== 'Pending') return false;
  return !isStopped && (endsAt === undefined || now <= endsAt + graceSlackMs);
}
