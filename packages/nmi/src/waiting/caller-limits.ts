import {
  createFairQueue,
  createTokenBucket,
  RecentMap,
  type FairQueueLimits,
  type Tenant,
  type TokenBucket,
} from '@pod-identity/kit/core';

export interface LimitOptions {
  /** Requests that may wait for an assignment or a token at a time. */
  readonly waiting: FairQueueLimits;
  /** Upstream requests of one pod: at once, and a second on average. */
  readonly upstreamBurst: number;
  readonly upstreamPerSecond: number;
}

/** `leave` must be called. */
export interface WaitingPlace {
  /** Aborts when the caller leaves, or the place is given to a namespace or pod with fewer places. */
  readonly ended: AbortSignal;
  /** The place was given to another caller. */
  readonly isLost: boolean;
  leave(): void;
}

export interface CallerLimits {
  /** Undefined if the pod, its namespace or the node has no free place. */
  enter(tenant: Tenant, caller: { readonly gone: AbortSignal }): WaitingPlace | undefined;
  /** Charges the requests to the pod and returns 0, or returns the milliseconds until it may make them. */
  admitUpstream(pod: string, questions: number, now: number): number;
  /** Ends all current and later waits: the agent is shutting down. */
  endAll(): void;
  readonly waiting: number;
}

/** Far more than a node has pods. */
const bucketsKept = 2048;

/** Keeps one pod from using up the agent's memory, and the machine's quota at the metadata service. */
export function createCallerLimits(options: LimitOptions): CallerLimits {
  const places = createFairQueue<Place>(options.waiting);
  const held = new Set<Place>();
  let isEnding = false;

  const remove = (place: Place) => {
    places.remove(place);
    held.delete(place);
  };
  const bucketOf = createBuckets(options);

  return {
    enter(tenant, { gone }) {
      const place = new Place(gone, remove);
      const added = places.add(tenant, place);
      if (added.kind === 'full') {
        place.leave();
        return undefined;
      }
      added.displaced?.lose();
      held.add(place);
      if (isEnding) place.end();
      return place;
    },
    admitUpstream(pod, questions, now) {
      const bucket = bucketOf(pod, now);
      const missing = Math.min(questions, options.upstreamBurst) - bucket.available(now);
      if (missing > 0) return Math.max(1, Math.ceil((missing * 1000) / options.upstreamPerSecond));
      for (let index = 0; index < questions; index += 1) bucket.take(now);
      return 0;
    },
    endAll() {
      isEnding = true;
      for (const place of held) place.end();
    },
    get waiting() {
      return places.size;
    },
  };
}

function createBuckets({ upstreamBurst: capacity, upstreamPerSecond }: LimitOptions) {
  const buckets = new RecentMap<string, TokenBucket>(bucketsKept);
  return (pod: string, now: number): TokenBucket => {
    const known = buckets.get(pod);
    if (known) return known;
    const bucket = createTokenBucket({ capacity, refillPerMs: upstreamPerSecond / 1000, now });
    buckets.set(pod, bucket);
    return bucket;
  };
}

class Place implements WaitingPlace {
  isLost = false;
  readonly #end = new AbortController();
  readonly #gone: AbortSignal;
  readonly #remove: (place: Place) => void;

  constructor(gone: AbortSignal, remove: (place: Place) => void) {
    this.#gone = gone;
    this.#remove = remove;
    if (gone.aborted) this.#end.abort();
    else gone.addEventListener('abort', this.#hangUp);
  }

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
