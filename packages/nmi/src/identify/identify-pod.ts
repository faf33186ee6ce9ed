import type { PodView } from './pod-view.ts';

export type Identification =
  | { readonly kind: 'pod'; readonly pod: PodView }
  | { readonly kind: 'none' }
  | { readonly kind: 'ambiguous'; readonly pods: readonly PodView[] };

const none: Identification = { kind: 'none' };

/**
 * The one pod that holds an address, out of all that are filed under it. A finished pod has given its address back. A pod
 * in its last seconds still has it, unless a newer one has it too: then the network has moved it on. Init containers
 * run while their pod is Pending, so Pending counts as live.
 */
export function identifyPod(filed: readonly PodView[]): Identification {
  const live = filed.length === 1 && filed[0] && isLive(filed[0]) ? filed : filed.filter(isLive);
  const holders = live.length > 1 ? live.filter((pod) => !pod.isEnding) : live;
  const [pod] = holders;
  if (holders.length === 1 && pod) return { kind: 'pod', pod };
  return live.length === 0 ? none : { kind: 'ambiguous', pods: live };
}

function isLive({ phase }: PodView): boolean {
  return phase === 'Running' || phase === 'Pending';
}
