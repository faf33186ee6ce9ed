import { aborted, type ImdsError } from './errors.ts';
import { endOf, onAbort } from './signals.ts';
import type { AbortSignalLike } from './types.ts';

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
  /** Callers that wait for the result. */
  waiting: number;
  /** The call goes on without a caller. */
  isBackground: boolean;
  /** The error of the last failed try. */
  failure?: unknown;
  /** Of the callers that would take something else. */
  readonly onFailure: Set<() => void>;
}

/**
 * Concurrent callers of a key share one call. An abort ends the wait of its caller; the call itself
 * is aborted with the last one, and the next caller starts another one.
 */
export function createSingleFlight<T>({
  startTimer,
  deadlineMs,
}: FlightRules): (passenger: Passenger<T>) => Promise<T> {
  const flights = new Map<string, Flight<T>>();

  /** The call with its deadline, which holds even if the call ignores its signal. */
  function start({ key, depart, overdue }: Passenger<T>): Flight<T> {
    const controller = new AbortController();
    const { signal } = controller;
    const state: FlightState = { waiting: 0, isBackground: false, onFailure: new Set() };
    const onFailure = (error: unknown) => {
      state.failure = error;
      for (const notify of state.onFailure) notify();
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
    const flight: Flight<T> = { deadline, state, promise, end };
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

/** One caller's wait: until the result, its abort, or what it takes instead. */
function board<T>(flight: Flight<T>, passenger: Passenger<T>, startTimer: StartTimer): Promise<T> {
  const { state } = flight;
  const { abortSignal, instead } = passenger;
  return new Promise<T>((resolve, reject) => {
    const leave = enter(flight, () => {
      forget();
      state.onFailure.delete(takeOther);
      patience?.clear();
    });
    const abort = () => {
      leave();
      const reason = aborted(abortSignal?.reason, state.failure);
      reject(reason);
      if (state.waiting === 0 && !state.isBackground) flight.end(reason);
    };
    const takeOther = () => {
      const other = instead?.take();
      if (other === undefined) return;
      state.isBackground = true;
      leave();
      resolve(other);
    };
    const patience = instead && startTimer(instead.patienceMs, takeOther);
    const forget = onAbort(abortSignal, abort);
    flight.promise.finally(leave).then(resolve, () => {
      takeOther();
      resolve(flight.promise);
    });
    if (instead === undefined) return;
    state.onFailure.add(takeOther);
    if (state.failure !== undefined) takeOther();
  });
}

/** Counts a caller, for whom the program stays alive, until the function that it returns is called. */
function enter<T>({ state, deadline }: Flight<T>, onLeave: () => void): () => void {
  let isAboard = true;
  state.waiting += 1;
  deadline.hold();
  return () => {
    if (!isAboard) return;
    isAboard = false;
    onLeave();
    state.waiting -= 1;
    if (state.waiting === 0) deadline.release();
  };
}
