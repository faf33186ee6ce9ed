import { RecentMap, type Clock } from '@pod-identity/kit/core';

/** After how long the clients of a pod hang up while their requests wait. */
export interface HangUps {
  /** How long after it was received a request of the pod may wait, so that its client reads the response; Infinity: none has hung up. */
  longestWaitMs(pod: string): number;
  /** A client of the pod has hung up so long after its request was received: its timeout includes the search for the pod. */
  note(pod: string, waitedMs: number): void;
}

/** Far more than a node has pods. */
const podsKept = 2_048;
/** The next client may be another one. */
const keptMs = 10 * 60_000;
/** A client that hangs up sooner has probably ended for another reason than its timeout. */
const shortestMs = 2_000;
/** The response leaves so long before the client would hang up. */
const marginMs = 1_000;

/** Keeps the shortest time of each pod for ten minutes. */
export function createHangUps(clock: Pick<Clock, 'elapsed'>): HangUps {
  const hungUp = new RecentMap<string, { readonly waitedMs: number; readonly at: number }>(podsKept);
  const shortestOf = (pod: string): number => {
    const known = hungUp.get(pod);
    return known && clock.elapsed() - known.at < keptMs ? known.waitedMs : Infinity;
  };
  return {
    longestWaitMs: (pod) => shortestOf(pod) - marginMs,
    note(pod, waitedMs) {
      if (waitedMs < shortestMs || waitedMs >= shortestOf(pod)) return;
      hungUp.set(pod, { waitedMs, at: clock.elapsed() });
    },
  };
}
