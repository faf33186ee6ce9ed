import { createTokenBucket, type TokenBucket } from '@pod-identity/kit/core';

export interface LimitOptions {
  /** Callers of one pod, and of all pods, that may wait for an assignment or a token at a time. */
  readonly waitingPerPod: number;
  readonly waiting: number;
  /** Calls to the real metadata service that one pod may cause: at once, and a second later on. */
  readonly upstreamBurst: number;
  readonly upstreamPerSecond: number;
}

export interface CallerLimits {
  /** A place to wait in, or undefined when all are taken. The place must be left again. */
  enter(pod: string): (() => void) | undefined;
  /** Answers 0 when the pod may cause an upstream call now, else the milliseconds until it may. */
  admitUpstream(pod: string, now: number): number;
  readonly waiting: number;
}

/** Buckets kept; far more than a node has pods. A full bucket that is forgotten is as good as one that is kept. */
const bucketsKept = 2048;

/** Keeps one pod from using up the node: the agent's memory, and the machine's quota at the real metadata service. */
export function createCallerLimits(options: LimitOptions): CallerLimits {
  const waiting = new Map<string, number>();
  const buckets = new Map<string, TokenBucket>();
  let total = 0;

  const leave = (pod: string) => {
    total -= 1;
    const left = (waiting.get(pod) ?? 1) - 1;
    if (left > 0) waiting.set(pod, left);
    else waiting.delete(pod);
  };

  const bucketOf = (pod: string, now: number): TokenBucket => {
    const known = buckets.get(pod);
    if (known) return known;
    const oldest = buckets.size < bucketsKept ? undefined : buckets.keys().next().value;
    if (oldest !== undefined) buckets.delete(oldest);
    const bucket = createTokenBucket({
      capacity: options.upstreamBurst,
      refillPerMs: options.upstreamPerSecond / 1000,
      now,
    });
    buckets.set(pod, bucket);
    return bucket;
  };

  return {
    enter(pod) {
      const mine = waiting.get(pod) ?? 0;
      if (mine >= options.waitingPerPod || total >= options.waiting) return undefined;
      waiting.set(pod, mine + 1);
      total += 1;
      let isLeft = false;
      return () => {
        if (!isLeft) leave(pod);
        isLeft = true;
      };
    },
    admitUpstream: (pod, now) => bucketOf(pod, now).take(now),
    get waiting() {
      return total;
    },
  };
}
