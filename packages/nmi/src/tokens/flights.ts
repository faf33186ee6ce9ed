import type { Clock, Tenant } from '@pod-identity/kit/core';
import type { NoTurn, TurnQueue } from '../waiting/turn-queues.ts';
import { TokenError } from './errors.ts';

/** The pod that a request is made for. */
export interface TokenCaller {
  readonly tenant: Tenant;
  /** Charges requests to the pod: returns 0, or the milliseconds until it may make them. */
  readonly admit: (requests: number) => number;
  /** Aborts when nobody waits for the response any more. */
  readonly signal?: AbortSignal;
  /** Until when a failed request may be repeated, by `Clock.elapsed`. */
  readonly deadline?: number;
  /** Until when the caller waits for a turn, by `Clock.elapsed`; for the response to a request that has begun it waits longer. */
  readonly turnUntil?: number | undefined;
}

export interface QueuedRequest<T> {
  readonly queue: TurnQueue;
  /** Number of requests. */
  readonly cost: number;
  /** Why none is begun for this pod; not asked of who joins one. */
  readonly refusal?: () => TokenError | undefined;
  readonly send: () => Promise<T>;
}

export type Flights<T> = ReturnType<typeof createFlights<T>>;

interface Flight<T> {
  readonly result: Promise<T>;
  callers: number;
  isBegun: boolean;
  withdraw: () => void;
}

/** One request at a time for each name, in the turn of who asked first; all who ask meanwhile get the same response or failure. */
export function createFlights<T>(clock: Clock) {
  const flights = new Map<string, Flight<T>>();
  const start = (name: string, caller: TokenCaller, request: QueuedRequest<T>): Flight<T> => {
    const flight: Flight<T> = begin(caller, request, () => {
      // Who gave one up may find the next one under its name.
      if (flights.get(name) === flight) flights.delete(name);
    });
    flights.set(name, flight);
    return flight;
  };

  return {
    isUnderWay: (name: string) => flights.has(name),
    /** The response of the running request of this name, or of a new one. Fails when the caller leaves. */
    async join(name: string, caller: TokenCaller, request: QueuedRequest<T>): Promise<T> {
      if (caller.signal?.aborted) throw left();
      const flight = flights.get(name) ?? start(name, caller, request);
      flight.callers += 1;
      try {
        return await unlessGone(flight, caller, clock);
      } finally {
        flight.callers -= 1;
        if (flight.callers === 0) flight.withdraw();
      }
    },
  };
}

/** Fails at once if the pod may not make it, or has no place. */
function begin<T>(caller: TokenCaller, request: QueuedRequest<T>, onEnd: () => void): Flight<T> {
  if (caller.admit(request.cost) > 0) throw tooMany();
  const refused = request.refusal?.();
  if (refused) throw refused;
  const { promise: result, resolve, reject } = Promise.withResolvers<T>();
  result.catch(ignore);
  const flight: Flight<T> = { result, callers: 0, isBegun: false, withdraw: ignore };
  // At once, so that nobody joins a request that has ended.
  const ending =
    <V>(settle: (value: V) => void) =>
    (value: V) => {
      onEnd();
      settle(value);
    };
  const fail = ending(reject);
  const entered = request.queue.enter(caller.tenant, {
    begin(leave) {
      flight.isBegun = true;
      void started(request.send).then(ending(resolve), fail).finally(leave);
    },
    giveUp: (why) => fail(withoutTurn[why]()),
  });
  if (!entered) throw full();
  flight.withdraw = () => {
    entered.withdraw();
    if (!flight.isBegun) fail(left());
  };
  return flight;
}

async function started<T>(send: () => Promise<T>): Promise<T> {
  return send();
}

function unlessGone<T>(flight: Flight<T>, { signal, turnUntil }: TokenCaller, clock: Clock): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const giveUp = () => reject(left());
  signal?.addEventListener('abort', giveUp, { once: true });
  const late = () => {
    if (!flight.isBegun) reject(withoutTurn.late());
  };
  const timer =
    turnUntil === undefined ? undefined : clock.after(Math.max(0, turnUntil - clock.elapsed()), late);
  flight.result.then(resolve, reject);
  return promise.finally(() => {
    timer?.cancel();
    signal?.removeEventListener('abort', giveUp);
  });
}

const ignore = () => undefined;

const throttled = (text: string) => () => new TokenError('throttled', text);
const tooMany = throttled('This pod asks for new tokens too often. Keep a token until it expires.');
const full = throttled(
  'Too many questions of this pod or its namespace wait for their turn already. Try again.',
);
const withoutTurn: Readonly<Record<NoTurn, () => TokenError>> = {
  late: throttled(
    'The question for this token waited too long for its turn: the metadata service of the machine or Entra takes only so many. Try again.',
  ),
  displaced: throttled(
    'The question for this token lost its place in the queue to another pod or namespace, which has fewer questions waiting. Try again.',
  ),
};
const left = () =>
  new TokenError('unavailable', 'The question for this token was given up: its callers left. Try again.');
