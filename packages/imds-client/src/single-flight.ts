import { ImdsError } from './errors.ts';
import type { AbortSignalLike } from './types.ts';

interface Flight<T> {
  readonly promise: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

/** Starts the call. The signal aborts once no caller waits for it any more. */
export type Departure<T> = (signal: AbortSignal) => Promise<T>;

/**
 * Concurrent callers of a key share one call. An abort ends the wait of its caller; the call itself
 * is aborted with the last one, and the next caller starts another one.
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
