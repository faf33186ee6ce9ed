import { ImdsError } from './errors.ts';
import type { AbortSignalLike } from './types.ts';

interface Flight<T> {
  readonly promise: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

/** What starts a flight. The signal fires when nobody waits for it any more. */
export type Departure<T> = (signal: AbortSignal) => Promise<T>;

/**
 * Lets all who ask for the same key at the same time share one piece of work. An abort takes its caller off; the work itself
 * is ended when the last one has left, and whoever comes after that starts again.
 */
export function createSingleFlight<T>(): (
  key: string,
  depart: Departure<T>,
  abortSignal?: AbortSignalLike,
) => Promise<T> {
  const flights = new Map<string, Flight<T>>();

  function start(key: string, depart: Departure<T>): Flight<T> {
    const controller = new AbortController();
    const promise = depart(controller.signal).finally(() => {
      forget(key, flight);
    });
    const flight = { promise, controller, waiting: 0 };
    flights.set(key, flight);
    return flight;
  }

  function forget(key: string, flight: Flight<T>): void {
    if (flights.get(key) === flight) flights.delete(key);
  }

  return function join(key, depart, abortSignal) {
    if (abortSignal?.aborted === true) return Promise.reject(aborted());
    const flight = flights.get(key) ?? start(key, depart);
    flight.waiting += 1;
    return new Promise<T>((resolve, reject) => {
      const leave = () => {
        reject(aborted());
        flight.waiting -= 1;
        if (flight.waiting > 0) return;
        forget(key, flight);
        flight.controller.abort();
      };
      abortSignal?.addEventListener('abort', leave);
      const land = () => abortSignal?.removeEventListener('abort', leave);
      void flight.promise.then(resolve, reject).finally(land);
    });
  };
}

export function aborted(): ImdsError {
  return new ImdsError('aborted', 'the caller gave up waiting for the token');
}
