import { createBackoff } from '../core/backoff.ts';
import type { Clock, Timer } from '../core/clock.ts';
import type { KubeError } from './errors.ts';
import type { KubeTransport } from './transport.ts';

/** One informer's part in the retries of its process. */
export interface Retries {
  /** Resolves when this informer may try again after a failure, or when the signal aborts. */
  turn(problem: KubeError | undefined, signal: AbortSignal): Promise<void>;
  /** The API server agreed to what this informer asked: those that did not reach it need not wait any longer. */
  answered(): void;
  /** A watch worked: the next failure is the first one again. */
  worked(): void;
}

/** Before the first attempt, and the longest. */
const pauses = { baseMs: 800, capMs: 5_000 };
/** Without a failure for so long, the outage is over and delays begin small again. */
const calmMs = 10_000;
/** After the first answer the waiting informers retry within this time: at random moments, because those of every node do so. */
const spreadMs = 1_000;
/** The longest Retry-After that is heeded: what is known grows old meanwhile. */
const longestRetryAfterMs = 30_000;

const shared = new WeakMap<KubeTransport, Queue>();

/**
 * Informers of one transport talk to one API server. While it does not answer, one of them at a time tries, the one that has
 * waited longest; after the first answer the others follow. So an outage costs the server no more requests than a single
 * informer would send, and none waits long when it is over. An informer that the server refuses waits for itself alone, with
 * pauses of its own.
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

/** The server refuses this request. Throttling and errors from 500 on concern all requests alike. */
const isRefusal = ({ status, code }: KubeError): boolean =>
  status !== undefined && code !== 'throttled' && code !== 'unavailable';

interface Waiting {
  /** It worked until now: its turn is the next, however long others have failed. */
  readonly isFirst: boolean;
  readonly retryAfterMs: number;
}

interface Waiter {
  readonly notBefore: number;
  /** Lets it go in `ms`, or when the server allows. */
  wake(ms: number): void;
  go(): void;
}

interface Queue {
  /** Resolves at the waiter's turn, soon after it was woken, or when the signal aborts. */
  wait(waiting: Waiting, signal: AbortSignal): Promise<void>;
  wake(): void;
}

/** The informers that the API server did not answer. */
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

/** One waiter goes at a time, after pauses that grow. */
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
