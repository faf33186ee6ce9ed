import type { Clock, Tenant } from '@pod-identity/kit/core';
import type { NoTurn, TurnQueue } from '../waiting/turn-queues.ts';
import { TokenError } from './errors.ts';

/** The pod that a request is made for. */
export interface Asker {
  readonly tenant: Tenant;
  /** Charges requests to the pod: returns 0, or the milliseconds until it may make them. */
  readonly admit: (questions: number) => number;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal?: AbortSignal;
  /** Until when a failed request may be repeated, by `Clock.elapsed`. */
  readonly deadline?: number;
  /** Until when the asker waits for a turn, by `Clock.elapsed`; for an answer to a question that has begun it waits longer. */
  readonly turnUntil?: number | undefined;
}

export interface Question<T> {
  readonly queue: TurnQueue;
  /** Number of requests. */
  readonly cost: number;
  /** Why it is not asked in this turn; default: it is. Others may ask it in theirs. */
  readonly refusal?: () => TokenError | undefined;
  readonly ask: () => Promise<T>;
}

export interface Questions<T> {
  isUnderWay(name: string): boolean;
  /** Whether it has begun, or waits for a turn of this namespace. */
  isAskedFor(name: string, namespace: string): boolean;
  /** The answer of the running question of this name, or of a new one. Fails when the asker leaves. */
  join(name: string, asker: Asker, question: Question<T>): Promise<T>;
}

interface Place {
  readonly namespace: string;
  askers: number;
  withdraw: () => void;
}

interface Flight<T> {
  readonly answer: Promise<T>;
  readonly resolve: (answer: T) => void;
  readonly reject: (error: unknown) => void;
  isBegun: boolean;
  /** By pod: until its turn comes, a question waits in the queue once for each pod that wants its answer. */
  readonly places: Map<string, Place>;
  /** By pod: why it has no place. */
  readonly reasons: Map<string, TokenError>;
}

/**
 * One question at a time for each name; all who ask it meanwhile get the same answer or failure. It begins as soon as it is the turn of
 * one of its pods, so no pod waits for other questions of another pod.
 */
export function createQuestions<T>(clock: Clock): Questions<T> {
  const flights = new Map<string, Flight<T>>();

  const start = (name: string): Flight<T> => {
    const { promise: answer, resolve, reject } = Promise.withResolvers<T>();
    answer.catch(() => undefined);
    // At once, so that nobody joins a question that has failed.
    const ending =
      <V>(settle: (value: V) => void) =>
      (value: V) => {
        if (flights.get(name) === flight) flights.delete(name);
        settle(value);
      };
    const settle = { resolve: ending(resolve), reject: ending(reject) };
    const flight: Flight<T> = { answer, ...settle, isBegun: false, places: new Map(), reasons: new Map() };
    flights.set(name, flight);
    return flight;
  };

  return {
    isUnderWay: (name) => flights.has(name),
    isAskedFor(name, namespace) {
      const { isBegun = false, places } = flights.get(name) ?? {};
      return isBegun || [...(places?.values() ?? [])].some((place) => place.namespace === namespace);
    },
    async join(name, asker, question) {
      const flight = flights.get(name) ?? start(name);
      const leave = flight.isBegun ? ignore : enter(flight, asker, question);
      try {
        return await unlessGone(flight, asker, clock);
      } catch (error) {
        // A question that was not asked failed for each pod by a reason of its own.
        throw flight.isBegun || asker.signal?.aborted ? error : (flight.reasons.get(podOf(asker)) ?? error);
      } finally {
        leave();
      }
    },
  };
}

/** Takes a place in the queue for the asker's pod; returns the function that leaves it. */
function enter<T>(flight: Flight<T>, asker: Asker, question: Question<T>): () => void {
  const name = podOf(asker);
  const known = flight.places.get(name);
  const place = known ?? placeFor(flight, { asker, name, question });
  if (!place) return ignore;
  place.askers += 1;
  return () => {
    place.askers -= 1;
    // It may have lost its place, and another caller of its pod may have taken a new one since.
    if (place.askers > 0 || flight.places.get(name) !== place) return;
    place.withdraw();
    removePlace(flight, name, left());
  };
}

function podOf({ tenant: { namespace, pod } }: Asker): string {
  return `${namespace}/${pod}`;
}

interface Entering<T> {
  readonly asker: Asker;
  readonly name: string;
  readonly question: Question<T>;
}

/** Undefined if the pod gets no place: then only the places of other pods are left. */
function placeFor<T>(flight: Flight<T>, { asker, name, question }: Entering<T>): Place | undefined {
  if (asker.admit(question.cost) > 0) {
    removePlace(flight, name, tooMany());
    return undefined;
  }
  const place: Place = { namespace: asker.tenant.namespace, askers: 0, withdraw: ignore };
  // First: in a full queue it may take the only place that the question has.
  flight.places.set(name, place);
  const entered = question.queue.enter(asker.tenant, {
    begin(leave) {
      const refused = question.refusal?.();
      if (!refused) {
        begin(flight, question, leave);
        return;
      }
      removePlace(flight, name, refused);
      leave();
    },
    giveUp: (why) => removePlace(flight, name, withoutTurn[why]()),
  });
  if (!entered) {
    removePlace(flight, name, full());
    return undefined;
  }
  place.withdraw = () => entered.withdraw();
  // By the turn of another pod, which came meanwhile.
  if (flight.isBegun) place.withdraw();
  return place;
}

function begin<T>(flight: Flight<T>, { ask }: Question<T>, leave: () => void): void {
  flight.isBegun = true;
  for (const place of flight.places.values()) place.withdraw();
  flight.places.clear();
  void asked(ask).then(flight.resolve, flight.reject).finally(leave);
}

async function asked<T>(ask: () => Promise<T>): Promise<T> {
  return ask();
}

/** The question fails if no other pod has a place. */
function removePlace<T>(flight: Flight<T>, name: string, error: TokenError): void {
  flight.places.delete(name);
  flight.reasons.set(name, error);
  if (flight.places.size === 0 && !flight.isBegun) flight.reject(error);
}

function unlessGone<T>(flight: Flight<T>, { signal, turnUntil }: Asker, clock: Clock): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const giveUp = () => reject(left());
  if (signal?.aborted) giveUp();
  else signal?.addEventListener('abort', giveUp, { once: true });
  const late = () => {
    if (!flight.isBegun) reject(withoutTurn.late());
  };
  const timer =
    turnUntil === undefined ? undefined : clock.after(Math.max(0, turnUntil - clock.elapsed()), late);
  flight.answer.then(resolve, reject);
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
