import { createBackoff } from '../core/backoff.ts';
import type { Clock, Timer } from '../core/clock.ts';
import { KubeError } from './errors.ts';
import type { KubeTransport } from './transport.ts';

/** Retries of one informer. */
export type Retries = ReturnType<typeof retriesOf>;

/** First and longest pause. */
const pauses = { baseMs: 800, capMs: 5_000 };
/** After so long without a failure delays start from the beginning. */
const calmMs = 10_000;
/** After the first response the waiting informers retry at random times within this period, since those of all nodes do so. */
const spreadMs = 1_000;
/** Limit of Retry-After, since the stores become stale. */
const longestRetryAfterMs = 30_000;

const shared = new WeakMap<KubeTransport, Queue>();

/**
 * While the API server does not respond, the informers of one transport retry one at a time, the longest waiting first; after the first
 * response the others follow. So the server gets no more requests during an outage than from a single informer, and all resume soon
 * after it. An informer that the server refuses waits separately, with its own pauses.
 */
export function retriesOf(transport: KubeTransport, clock: Clock, random: () => number) {
  const queue = shared.get(transport) ?? createQueue(clock, random);
  shared.set(transport, queue);
  const own = createBackoff({ ...pauses, random });
  let hasWorked = true;
  let hasResponse = false;
  let probe: Probe | undefined;

  /** Whether another informer had a response before it. */
  const endProbe = (): boolean => {
    const isOutrun = probe !== undefined && queue.end(probe);
    probe = undefined;
    return isOutrun;
  };
  const serverResponded = () => {
    hasResponse = true;
    endProbe();
    queue.wake();
  };
  return {
    /** The API server accepted a request: informers that could not reach it may retry. */
    serverResponded,
    /** A watch worked: delays start from the beginning. */
    worked(): void {
      hasWorked = true;
      hasResponse = false;
      own.reset();
    },
    /**
     * Resolves when this informer may retry, or when the signal aborts. The result aborts if the retry has no response soon after the API
     * server has responded to another informer: `turn` then resolves at once.
     */
    async turn(problem: KubeError | undefined, signal: AbortSignal): Promise<AbortSignal | undefined> {
      if (problem && isRefusal(problem)) serverResponded();
      const [isFirst, isOwnMatter] = [hasWorked, hasResponse];
      hasWorked = false;
      hasResponse = false;
      const retryAfterMs = Math.min(problem?.retryAfterMs ?? 0, longestRetryAfterMs);
      if (endProbe() && retryAfterMs === 0) return undefined;
      if (isOwnMatter) await clock.sleep(Math.max(own.next(), retryAfterMs), signal).catch(() => undefined);
      else probe = await queue.wait({ isFirst, retryAfterMs }, signal);
      return probe?.signal;
    },
  };
}

/** The server refuses this request. Throttling and statuses from 500 on concern all requests. */
const isRefusal = ({ status, code }: KubeError): boolean =>
  status !== undefined && code !== 'throttled' && code !== 'unavailable';

interface Waiting {
  /** It worked until now, so its turn comes before those that failed. */
  readonly isFirst: boolean;
  readonly retryAfterMs: number;
}

interface Waiter {
  readonly notBefore: number;
  /** Lets the waiter retry in `ms`, or later if the server demands it. */
  wake(ms: number): void;
  /** @param isProbe - By its turn, not because the server has responded to another informer. */
  go(isProbe: boolean): void;
}

type Queue = ReturnType<typeof createQueue>;
type Probe = ReturnType<typeof createProbe>;

/** A retry during an outage. */
function createProbe(clock: Clock) {
  const controller = new AbortController();
  let timer: Timer | undefined;
  const giveUp = () =>
    controller.abort(new KubeError('transport', 'no response, though the API server responds to others'));
  return {
    signal: controller.signal,
    /** Another informer has a response: this retry is given up in `ms`. */
    outrun: (ms: number) => void (timer ??= clock.after(ms, giveUp)),
    /** Returns whether `outrun` was called. */
    end: () => {
      timer?.cancel();
      return timer !== undefined;
    },
  };
}

/** The informers that could not reach the API server. */
function createQueue(clock: Clock, random: () => number) {
  /** Those without a response. */
  const probes = new Set<Probe>();
  const turns = createTurns(clock, random, probes);
  return {
    /** The probe has a response, or failed. Returns whether another informer had one before. */
    end: (probe: Probe) => {
      probes.delete(probe);
      return probe.end();
    },
    /** Resolves at the waiter's turn, with a probe, or soon after `wake`, or when the signal aborts. */
    wait({ isFirst, retryAfterMs }: Waiting, signal: AbortSignal): Promise<Probe | undefined> {
      const { promise, resolve } = Promise.withResolvers<Probe | undefined>();
      const notBefore = clock.elapsed() + retryAfterMs;
      let woken: Timer | undefined;
      const go = (isProbe: boolean) => {
        const probe = isProbe ? createProbe(clock) : undefined;
        if (probe) probes.add(probe);
        turns.remove(waiter);
        woken?.cancel();
        signal.removeEventListener('abort', stop);
        resolve(probe);
      };
      const stop = () => go(false);
      const wake = (ms: number) => {
        woken ??= clock.after(Math.max(ms, notBefore - clock.elapsed()), stop);
      };
      const waiter = { notBefore, wake, go };
      signal.addEventListener('abort', stop, { once: true });
      turns.add(waiter, isFirst);
      if (signal.aborted) stop();
      return promise;
    },
    wake() {
      for (const waiter of turns.waiters) waiter.wake(spreadMs * random());
      for (const probe of probes) probe.outrun(spreadMs * random());
    },
  };
}

/** One waiter at a time, after growing pauses: from the last turn on, while that or an earlier one has no response. */
function createTurns(clock: Clock, random: () => number, probes: ReadonlySet<Probe>) {
  const backoff = createBackoff({ ...pauses, random });
  const waiters: Waiter[] = [];
  let [lastAddedAt, lastTurnAt] = [-Infinity, -Infinity];
  let pausedUntil: number | undefined;
  let timer: Timer | undefined;

  const arm = () => {
    timer?.cancel();
    if (waiters.length === 0) return void (pausedUntil = undefined);
    pausedUntil ??= (probes.size > 0 ? lastTurnAt : clock.elapsed()) + backoff.next();
    const dueAt = Math.max(pausedUntil, Math.min(...waiters.map(({ notBefore }) => notBefore)));
    timer = clock.after(Math.max(0, dueAt - clock.elapsed()), take);
  };
  const take = () => {
    const now = clock.elapsed();
    [pausedUntil, lastTurnAt] = [undefined, now];
    waiters.find(({ notBefore }) => notBefore <= now)?.go(true);
    arm();
  };
  return {
    waiters: waiters as readonly Waiter[],
    add(waiter: Waiter, isFirst: boolean) {
      if (clock.elapsed() - lastAddedAt >= calmMs) backoff.reset();
      lastAddedAt = clock.elapsed();
      if (isFirst) waiters.unshift(waiter);
      else waiters.push(waiter);
      arm();
    },
    remove(waiter: Waiter) {
      const at = waiters.indexOf(waiter);
      if (at >= 0) waiters.splice(at, 1);
      arm();
    },
  };
}
