import { createBuckets, createFairQueue, type FairQueueLimits, type Tenant } from '@pod-identity/kit/core';

export interface LimitOptions {
  /** Requests that may wait for an assignment or a token at a time. */
  readonly waiting: FairQueueLimits;
  /** Upstream requests of one pod: at once, and a second on average. */
  readonly upstreamBurst: number;
  readonly upstreamPerSecond: number;
}

export type CallerLimits = ReturnType<typeof createCallerLimits>;

/** Far more than a node has pods. */
const bucketsKept = 2048;

/** Keeps one pod from using up the agent's memory, and the machine's quota at the metadata service. */
export function createCallerLimits(options: LimitOptions) {
  const slots = createFairQueue<CallerSlot>(options.waiting);
  const held = new Set<CallerSlot>();
  let isEnding = false;

  const remove = (slot: CallerSlot) => {
    slots.remove(slot);
    held.delete(slot);
  };
  const { upstreamBurst: burst, upstreamPerSecond: perSecond } = options;
  const bucketOf = createBuckets({ burst, perSecond, kept: bucketsKept });

  return {
    /** Undefined if the pod, its namespace or the node has no free place. */
    enter(tenant: Tenant, { gone }: { readonly gone: AbortSignal }): CallerSlot | undefined {
      const slot = new CallerSlot(gone, remove);
      const added = slots.add(tenant, slot);
      if (added.kind === 'full') {
        slot.leave();
        return undefined;
      }
      added.displaced?.lose();
      held.add(slot);
      if (isEnding) slot.end();
      return slot;
    },
    /** Charges the requests to the pod and returns 0, or returns the milliseconds until it may make them. More than a bucket can hold takes all of it. */
    admitUpstream: (pod: string, requests: number, now: number) =>
      bucketOf(pod, now).take(now, Math.min(requests, burst)),
    /** Ends all current and later waits: the agent is shutting down. */
    endAll() {
      isEnding = true;
      for (const slot of held) slot.end();
    },
    get waiting() {
      return slots.size;
    },
  };
}

/** `leave` must be called. */
class CallerSlot {
  /** The place was given to another caller. */
  isLost = false;
  readonly #end = new AbortController();
  readonly #gone: AbortSignal;
  readonly #remove: (slot: CallerSlot) => void;

  constructor(gone: AbortSignal, remove: (slot: CallerSlot) => void) {
    this.#gone = gone;
    this.#remove = remove;
    if (gone.aborted) this.#end.abort();
    else gone.addEventListener('abort', this.#hangUp);
  }

  /** Aborts when the caller leaves, or the place is given to a namespace or pod with fewer places. */
  get ended() {
    return this.#end.signal;
  }

  lose() {
    this.isLost = true;
    this.end();
  }

  end() {
    this.#end.abort();
  }

  leave() {
    this.#gone.removeEventListener('abort', this.#hangUp);
    this.#remove(this);
  }

  // Frees the place at once, not when the request ends.
  readonly #hangUp = () => {
    this.#remove(this);
    this.#end.abort();
  };
}
