// Makes a new picture when the cluster has changed, at most four in a second and with at most half of the time of one core.
import { aborted, type Clock } from '@pod-identity/kit/core';
import type { Picture } from './picture.ts';

/** What pages are shown. */
export interface Pictures {
  /** Undefined before all is read. */
  latest(): Picture | undefined;
  /** Why the API server gives no answers now. */
  problem(): string | undefined;
  /** Calls the listener when the picture or the problem is another one. Returns a function that removes it. */
  onChange(listener: () => void): () => void;
}

export interface PictureFeed extends Pictures {
  setProblem(problem: string | undefined): void;
  /** The cluster may have changed. */
  note(): void;
  /** Until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface PictureMaker {
  readonly clock: Clock;
  /** Lets sockets and timers run: setImmediate, as a promise. */
  readonly yieldTurn: () => Promise<unknown>;
  /** Looks at the cluster and judges its pods, a little with each step. */
  readonly judge: () => Iterator<unknown>;
  /** The picture with this number, of what is judged. */
  readonly make: (number: number) => Picture;
}

/** Between two pictures: nobody sees more of them. */
const shortestMs = 250;
/**
 * The longest that pods are judged before requests of pages are served, unless one pod takes longer. Requests also wait while a picture is
 * made: about a second for 3,000 pods with a hundred bindings each.
 */
const sliceMs = 20;
/** Then there is a picture, even if not all pods are judged. */
const roundMs = 1_000;

export function createPictureFeed({ clock, yieldTurn, judge, make }: PictureMaker): PictureFeed {
  const listeners = new Set<() => void>();
  let [latest, problem]: [Picture?, string?] = [];
  let changed = Promise.withResolvers<undefined>();
  const notify = () => listeners.forEach((listener) => listener());

  const judgeInSlices = async (signal: AbortSignal) => {
    const steps = judge();
    const began = clock.elapsed();
    let slice = began;
    while (steps.next().done !== true && !signal.aborted) {
      const now = clock.elapsed();
      if (now - began >= roundMs) return;
      if (now - slice < sliceMs) continue;
      await yieldTurn();
      slice = clock.elapsed();
    }
  };
  return {
    latest: () => latest,
    problem: () => problem,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    setProblem(text) {
      problem = text;
      notify();
    },
    note: () => changed.resolve(undefined),
    async run(signal) {
      const end = aborted(signal);
      while (!signal.aborted) {
        changed = Promise.withResolvers();
        const began = clock.elapsed();
        await judgeInSlices(signal);
        latest = make((latest?.number ?? 0) + 1);
        notify();
        const pauseMs = Math.max(shortestMs, clock.elapsed() - began);
        await clock.sleep(pauseMs, signal).catch(() => undefined);
        if (latest.pending === 0) await Promise.race([changed.promise, end]);
      }
    },
  };
}
