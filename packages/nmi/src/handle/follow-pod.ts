import type { PodView } from '../identify/pod-view.ts';

/** The pod of that name in memory now; undefined: there is none. */
export type LatestPod = (pod: PodView) => PodView | undefined;

/**
 * The pod of one request while it waits:
 * - at first the view by which it was identified, since that may be newer than memory, or the watch has not delivered the pod yet;
 * - once memory has changed, the view in memory;
 * - undefined once memory says that the pod is gone.
 */
export function followPod(pod: PodView, latest: LatestPod): () => PodView | undefined {
  let before = latest(pod);
  let current: PodView | undefined = pod;
  return () => {
    const now = latest(pod);
    if (now === before) return current;
    before = now;
    current = now?.uid === pod.uid && !hasEnded(now) ? now : undefined;
    return current;
  };
}

function hasEnded({ phase, isStopped }: PodView): boolean {
  return isStopped === true || phase === 'Succeeded' || phase === 'Failed';
}
