import { aborted, type ImdsError } from './errors.ts';
import type { AbortSignalLike } from './types.ts';

/** Calls the listener when the signal aborts, unless the function that it returns was called. */
export function onAbort(signal: AbortSignalLike | undefined, listener: () => void): () => void {
  signal?.addEventListener('abort', listener);
  return () => signal?.removeEventListener('abort', listener);
}

/** Rejects with the signal's reason when it aborts: ends the wait for what ignores its signal. */
export function endOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    onAbort(signal, () => reject(signal.reason as Error));
  });
}

/** A timer that does not keep a program alive, except while it is held. */
export interface Timer {
  hold(): void;
  release(): void;
  clear(): void;
}

/** Calls `onEnd` once after `ms` milliseconds. */
export type StartTimer = (ms: number, onEnd: () => void) => Timer;

/**
 * Starts the call. The signal aborts, with an ImdsError, once no caller waits for it any more; `onFailure` is to be called for each try that failed.
 */
export type Departure<T> = (signal: AbortSignal, onFailure: (error: unknown) => void) => Promise<T>;

export interface FlightRules {
  readonly startTimer: StartTimer;
  /** Milliseconds, for a call as a whole, even if it ignores its signal. */
  readonly deadlineMs: number;
}

export interface Passenger<T> {
  readonly key: string;
  readonly depart: Departure<T>;
  /** The error of the deadline; `last` is that of the last failed try, if there was one. */
  readonly overdue: (last: unknown) => ImdsError;
  readonly abortSignal?: AbortSignalLike | undefined;
  /** Nobody waits for this one: it ends by itself, and does not keep the program alive. */
  readonly isBackground?: boolean;
  /** What this caller takes instead, once a try has failed or its patience has ended. The call goes on in the background. */
  readonly instead?: { readonly take: () => T | undefined; readonly patienceMs: number } | undefined;
}

interface Flight<T> {
  readonly promise: Promise<T>;
  readonly deadline: Timer;
  /** Ends the call: the next caller starts another one. */
  readonly end: (reason: ImdsError) => void;
  readonly state: FlightState;
}

interface FlightState {
  /** Those that wait for the result, as what each does after a failed try. */
  readonly callers: Set<() => void>;
  /** The call goes on without a caller. */
  isBackground: boolean;
  /** The error of the last failed try. */
  failure?: unknown;
}

/**
 * Concurrent callers of a key share one call. An abort ends the wait of its caller; the call itself
 * is aborted with the last one, and the next caller starts another one.
 */
export function createSingleFlight<T>(rules: FlightRules): (passenger: Passenger<T>) => Promise<T> {
  const { startTimer, deadlineMs } = rules;
  const flights = new Map<string, Flight<T>>();

  /** The call with its deadline, which holds even if the call ignores its signal. */
  function start({ key, depart, overdue }: Passenger<T>): Flight<T> {
    const controller = new AbortController();
    const { signal } = controller;
    const state: FlightState = { callers: new Set(), isBackground: false };
    const onFailure = (error: unknown) => {
      state.failure = error;
      for (const takeOther of state.callers) takeOther();
    };
    const end = (reason: ImdsError) => {
      forget();
      controller.abort(reason);
    };
    const deadline = startTimer(deadlineMs, () => end(overdue(state.failure)));
    const forget = () => {
      deadline.clear();
      if (flights.get(key) === flight) flights.delete(key);
    };
    const promise = Promise.race([endOf(signal), depart(signal, onFailure)]).finally(forget);
    // In the background nobody handles its failure.
    promise.catch(() => undefined);
    const flight: Flight<T> = { promise, deadline, end, state };
    flights.set(key, flight);
    return flight;
  }

  return function join(passenger) {
    const { key, abortSignal, isBackground = false } = passenger;
    if (abortSignal?.aborted === true) return Promise.reject(aborted(abortSignal.reason));
    const flight = flights.get(key) ?? start(passenger);
    if (!isBackground) return board(flight, passenger, startTimer);
    flight.state.isBackground = true;
    return flight.promise;
  };
}

/** One caller's wait, for whom the program stays alive: until the result, its abort, or what it takes instead. */
function board<T>(
  flight: Flight<T>,
  { abortSignal, instead }: Passenger<T>,
  startTimer: StartTimer,
): Promise<T> {
  const { deadline, promise, state } = flight;
  const { callers } = state;
  return new Promise<T>((resolve, reject) => {
    const takeOther = () => {
      const other = instead?.take();
      if (other === undefined) return;
      state.isBackground = true;
      leave();
      resolve(other);
    };
    const leave = () => {
      if (!callers.delete(takeOther)) return;
      forget();
      patience?.clear();
      if (callers.size === 0) deadline.release();
    };
    callers.add(takeOther);
    deadline.hold();
    const patience = instead && startTimer(instead.patienceMs, takeOther);
    const forget = onAbort(abortSignal, () => {
      leave();
      const reason = aborted(abortSignal?.reason, state.failure);
      reject(reason);
      if (callers.size === 0 && !state.isBackground) flight.end(reason);
    });
    promise.finally(leave).then(resolve, () => {
      takeOther();
      resolve(promise);
    });
    if (state.failure !== undefined) takeOther();
  });
}
