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
  /** Why it is not sent in this turn; default: it is. Others may send it in theirs. */
  readonly refusal?: () => TokenError | undefined;
  readonly send: () => Promise<T>;
}

export interface SharedRequests<T> {
  isUnderWay(name: string): boolean;
  /** Whether it has begun, or waits for a turn of this namespace. */
  isWantedBy(name: string, namespace: string): boolean;
  /** The response of the running request of this name, or of a new one. Fails when the caller leaves. */
  join(name: string, caller: TokenCaller, request: QueuedRequest<T>): Promise<T>;
}

interface PodSlot {
  readonly namespace: string;
  callers: number;
  withdraw: () => void;
}

interface Flight<T> {
  readonly result: Promise<T>;
  readonly resolve: (result: T) => void;
  readonly reject: (error: unknown) => void;
  isBegun: boolean;
  /** By pod: until its turn comes, a request waits in the queue once for each pod that wants its response. */
  readonly slots: Map<string, PodSlot>;
  /** By pod: why it has no place. */
  readonly reasons: Map<string, TokenError>;
}

/**
 * One request at a time for each name; all who make it meanwhile get the same response or failure. It begins as soon as it is the turn of
 * one of its pods, so no pod waits for other requests of another pod.
 */
export function createSharedRequests<T>(clock: Clock): SharedRequests<T> {
  const flights = new Map<string, Flight<T>>();

  const start = (name: string): Flight<T> => {
    const { promise: result, resolve, reject } = Promise.withResolvers<T>();
    result.catch(() => undefined);
    // At once, so that nobody joins a request that has failed.
    const ending =
      <V>(settle: (value: V) => void) =>
      (value: V) => {
        if (flights.get(name) === flight) flights.delete(name);
        settle(value);
      };
    const settle = { resolve: ending(resolve), reject: ending(reject) };
    const flight: Flight<T> = { result, ...settle, isBegun: false, slots: new Map(), reasons: new Map() };
    flights.set(name, flight);
    return flight;
  };

  return {
    isUnderWay: (name) => flights.has(name),
    isWantedBy(name, namespace) {
      const { isBegun = false, slots } = flights.get(name) ?? {};
      return isBegun || [...(slots?.values() ?? [])].some((slot) => slot.namespace === namespace);
    },
    async join(name, caller, request) {
      const flight = flights.get(name) ?? start(name);
      const leave = flight.isBegun ? ignore : enter(flight, caller, request);
      try {
        return await unlessGone(flight, caller, clock);
      } catch (error) {
        // A request that was not sent failed for each pod by a reason of its own.
        throw flight.isBegun || caller.signal?.aborted ? error : (flight.reasons.get(podOf(caller)) ?? error);
      } finally {
        leave();
      }
    },
  };
}

/** Takes a place in the queue for the asker's pod; returns the function that leaves it. */
function enter<T>(flight: Flight<T>, caller: TokenCaller, request: QueuedRequest<T>): () => void {
  const name = podOf(caller);
  const known = flight.slots.get(name);
  const slot = known ?? slotFor(flight, caller, request);
  if (!slot) return ignore;
  slot.callers += 1;
  return () => {
    slot.callers -= 1;
    // It may have lost its place, and another caller of its pod may have taken a new one since.
    if (slot.callers > 0 || flight.slots.get(name) !== slot) return;
    slot.withdraw();
    removeSlot(flight, name, left());
  };
}

function podOf({ tenant: { namespace, pod } }: TokenCaller): string {
  return `${namespace}/${pod}`;
}

/** Undefined if the pod gets no place: then only the places of other pods are left. */
function slotFor<T>(flight: Flight<T>, caller: TokenCaller, request: QueuedRequest<T>): PodSlot | undefined {
  const name = podOf(caller);
  if (caller.admit(request.cost) > 0) {
    removeSlot(flight, name, tooMany());
    return undefined;
  }
  const slot: PodSlot = { namespace: caller.tenant.namespace, callers: 0, withdraw: ignore };
  // First: in a full queue it may take the only slot that the request has.
  flight.slots.set(name, slot);
  const entered = request.queue.enter(caller.tenant, {
    begin(leave) {
      const refused = request.refusal?.();
      if (!refused) {
        begin(flight, request, leave);
        return;
      }
      removeSlot(flight, name, refused);
      leave();
    },
    giveUp: (why) => removeSlot(flight, name, withoutTurn[why]()),
  });
  if (!entered) {
    removeSlot(flight, name, full());
    return undefined;
  }
  slot.withdraw = () => entered.withdraw();
  // By the turn of another pod, which came meanwhile.
  if (flight.isBegun) slot.withdraw();
  return slot;
}

function begin<T>(flight: Flight<T>, { send }: QueuedRequest<T>, leave: () => void): void {
  flight.isBegun = true;
  for (const slot of flight.slots.values()) slot.withdraw();
  flight.slots.clear();
  void started(send).then(flight.resolve, flight.reject).finally(leave);
}

async function started<T>(send: () => Promise<T>): Promise<T> {
  return send();
}

/** The request fails if no other pod has a slot. */
function removeSlot<T>(flight: Flight<T>, name: string, error: TokenError): void {
  flight.slots.delete(name);
  flight.reasons.set(name, error);
  if (flight.slots.size === 0 && !flight.isBegun) flight.reject(error);
}

function unlessGone<T>(flight: Flight<T>, { signal, turnUntil }: TokenCaller, clock: Clock): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const giveUp = () => reject(left());
  if (signal?.aborted) giveUp();
  else signal?.addEventListener('abort', giveUp, { once: true });
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
