// Makes a new picture when the cluster has changed, at most four in a second and with at most half of the time of one core.
import { aborted, type Clock } from '@pod-identity/kit/core';
import { changeBetween } from './changes.ts';
import type { Picture } from './picture.ts';

/** What pages are shown. */
export interface Pictures {
  /** Undefined before all is read. */
  latest(): Picture | undefined;
  /** Why the API server gives no answers now. */
  problem(): string | undefined;
  /** Calls the listener when the picture or the problem is another one. Returns a function that removes it. */
  onNews(listener: () => void): () => void;
}

export interface Album extends Pictures {
  setProblem(problem: string | undefined): void;
  /** The cluster may have changed. */
  note(): void;
  /** Until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

interface Making {
  readonly clock: Clock;
  /** The picture with this number. */
  readonly make: (number: number) => Picture;
}

/** Between two pictures: nobody sees more of them. */
const shortestMs = 250;

export function createAlbum({ clock, make }: Making): Album {
  const listeners = new Set<() => void>();
  let [latest, problem]: [Picture?, string?] = [];
  let changed = Promise.withResolvers<undefined>();
  const notify = () => listeners.forEach((listener) => listener());

  const renew = () => {
    const next = make((latest?.number ?? 0) + 1);
    if (latest && !changeBetween(latest, next)) return;
    latest = next;
    notify();
  };
  return {
    latest: () => latest,
    problem: () => problem,
    onNews(listener) {
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
        changed = Promise.withResolvers<undefined>();
        const began = clock.elapsed();
        renew();
        const pauseMs = Math.max(shortestMs, clock.elapsed() - began);
        await clock.sleep(pauseMs, signal).catch(() => undefined);
        await Promise.race([changed.promise, end]);
      }
    },
  };
}
