import { createBackoff } from '../core/backoff.ts';
import type { Clock, Timer } from '../core/clock.ts';
import type { KubeError } from './errors.ts';
import type { KubeTransport } from './transport.ts';

/** Retries of one informer. */
export interface Retries {
  /** Resolves when this informer may retry, or when the signal aborts. */
  turn(problem: KubeError | undefined, signal: AbortSignal): Promise<void>;
  /** The API server accepted a request: informers that could not reach it may retry. */
  answered(): void;
  /** A watch worked: delays start from the beginning. */
  worked(): void;
}

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
export function retriesOf(transport: KubeTransport, clock: Clock, random: () => number): Retries {
  const queue = shared.get(transport) ?? createQueue(clock, random);
  shared.set(transport, queue);
  const own = createBackoff({ ...pauses, random });
  let hasWorked = true;
  let isAnswered = false;

  const answered = () => {
    isAnswered = true;
    queue.wake();
  };
  return {
    answered,
    worked() {
      hasWorked = true;
      isAnswered = false;
      own.reset();
    },
    async turn(problem, signal) {
      if (problem && isRefusal(problem)) answered();
      const [isFirst, isOwnMatter] = [hasWorked, isAnswered];
      hasWorked = false;
      isAnswered = false;
      const retryAfterMs = Math.min(problem?.retryAfterMs ?? 0, longestRetryAfterMs);
      if (!isOwnMatter) return queue.wait({ isFirst, retryAfterMs }, signal);
      await clock.sleep(Math.max(own.next(), retryAfterMs), signal).catch(() => undefined);
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
  go(): void;
}

interface Queue {
  /** Resolves at the waiter's turn, soon after `wake`, or when the signal aborts. */
  wait(waiting: Waiting, signal: AbortSignal): Promise<void>;
  wake(): void;
}

/** The informers that could not reach the API server. */
function createQueue(clock: Clock, random: () => number): Queue {
  const turns = createTurns(clock, random);
  return {
    wait({ isFirst, retryAfterMs }, signal) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const notBefore = clock.elapsed() + retryAfterMs;
      let woken: Timer | undefined;
      const go = () => {
        turns.remove(waiter);
        woken?.cancel();
        signal.removeEventListener('abort', go);
        resolve(undefined);
      };
      const wake = (ms: number) => {
        woken ??= clock.after(Math.max(ms, notBefore - clock.elapsed()), go);
      };
      const waiter = { notBefore, wake, go };
      signal.addEventListener('abort', go, { once: true });
      turns.add(waiter, isFirst);
      if (signal.aborted) go();
      return promise;
    },
    wake() {
      for (const waiter of turns.waiters) waiter.wake(spreadMs * random());
    },
  };
}

/** One waiter at a time, after growing pauses. */
function createTurns(clock: Clock, random: () => number) {
  const backoff = createBackoff({ ...pauses, random });
  const waiters: Waiter[] = [];
  let lastAddedAt = -Infinity;
  let timer: Timer | undefined;

  const arm = () => {
    if (timer || waiters.length === 0) return;
    const notBefore = Math.min(...waiters.map((waiter) => waiter.notBefore));
    timer = clock.after(Math.max(backoff.next(), notBefore - clock.elapsed()), () => {
      timer = undefined;
      waiters.find((waiter) => waiter.notBefore <= clock.elapsed())?.go();
      arm();
    });
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
      if (waiters.length > 0) return;
      timer?.cancel();
      timer = undefined;
    },
  };
}
