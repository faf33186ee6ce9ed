import type { Tenant } from '@pod-identity/kit/core';
import type { TurnQueue } from '../waiting/turn-queues.ts';
import { TokenError } from './errors.ts';

/** On whose behalf something is asked. */
export interface Asker {
  readonly tenant: Tenant;
  /** Charges so many questions to the pod: answers 0, or the milliseconds until it may ask them. */
  readonly admit: (questions: number) => number;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal?: AbortSignal;
  /** Until when it waits: an identity that the service does not know yet is asked for again. Milliseconds since the epoch. */
  readonly deadline?: number;
}

/** What is asked, and where it waits for its turn. */
export interface Question<T> {
  readonly queue: TurnQueue;
  /** Requests that it makes. */
  readonly cost: number;
  readonly ask: () => Promise<T>;
}

export interface Questions<T> {
  isUnderWay(name: string): boolean;
  /** The answer that is under way under this name, or else that of a new question. Fails when the asker leaves. */
  join(name: string, asker: Asker, question: Question<T>): Promise<T>;
}

interface Place {
  askers: number;
  withdraw(): void;
}

interface Flight<T> {
  readonly answer: Promise<T>;
  readonly resolve: (answer: T | Promise<T>) => void;
  readonly reject: (error: unknown) => void;
  isBegun: boolean;
  /** By pod: until its turn comes, a question waits in the queue once for each pod that wants its answer. */
  readonly places: Map<string, Place>;
}

/**
 * One question at a time under each name; whoever comes meanwhile gets the same answer, or the same failure. A question begins
 * as soon as it is the turn of one of its pods, so nobody waits behind what another pod asks besides.
 */
export function createQuestions<T>(): Questions<T> {
  const flights = new Map<string, Flight<T>>();

  const end = (name: string, flight: Flight<T>) => {
    if (flights.get(name) === flight) flights.delete(name);
  };
  const start = (name: string): Flight<T> => {
    const { promise: answer, resolve, reject } = Promise.withResolvers<T>();
    // Each asker is told on its own.
    answer.catch(() => undefined);
    const flight: Flight<T> = { answer, resolve, reject, isBegun: false, places: new Map() };
    flights.set(name, flight);
    answer.then(
      () => end(name, flight),
      () => end(name, flight),
    );
    return flight;
  };

  return {
    isUnderWay: (name) => flights.has(name),
    async join(name, asker, question) {
      const flight = flights.get(name) ?? start(name);
      const leave = flight.isBegun ? ignore : enter(flight, asker, question);
      try {
        return await unlessGone(flight.answer, asker.signal);
      } finally {
        leave();
      }
    },
  };
}

/** Takes a place in the queue for the asker's pod; returns how it is left. */
function enter<T>(flight: Flight<T>, asker: Asker, question: Question<T>): () => void {
  const { tenant } = asker;
  const name = `${tenant.namespace}/${tenant.pod}`;
  const known = flight.places.get(name);
  const place = known ?? placeFor(flight, { asker, name, question });
  if (!place) return ignore;
  place.askers += 1;
  return () => {
    place.askers -= 1;
    if (place.askers > 0 || flight.isBegun) return;
    place.withdraw();
    give(flight, name, left());
  };
}

interface Entering<T> {
  readonly asker: Asker;
  readonly name: string;
  readonly question: Question<T>;
}

/** Undefined where the asker has to rely on the places of others. */
function placeFor<T>(flight: Flight<T>, { asker, name, question }: Entering<T>): Place | undefined {
  const waitMs = asker.admit(question.cost);
  const refuse = (error: TokenError) => {
    give(flight, name, error);
    return undefined;
  };
  if (waitMs > 0) {
    refuse(tooMany());
    return;
  }
  const entered = question.queue.enter(asker.tenant, {
    begin: (leave) => begin(flight, question, leave),
    giveUp: () => give(flight, name, late()),
  });
  if (!entered) {
    refuse(full());
    return;
  }
  const place: Place = { askers: 0, withdraw: () => entered.withdraw() };
  if (!flight.isBegun) flight.places.set(name, place);
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

/** A pod's place is gone; the question with it, unless other pods have one. */
function give<T>(flight: Flight<T>, name: string, error: TokenError): void {
  flight.places.delete(name);
  if (flight.places.size === 0 && !flight.isBegun) flight.reject(error);
}

function unlessGone<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return answer;
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const giveUp = () => reject(left());
  if (signal.aborted) giveUp();
  else signal.addEventListener('abort', giveUp, { once: true });
  answer.then(resolve, reject);
  return promise.finally(() => signal.removeEventListener('abort', giveUp));
}

const ignore = () => undefined;

function tooMany(): TokenError {
  const text = 'This pod asks for new tokens too often. Keep a token until it expires.';
  return new TokenError('throttled', text);
}

function full(): TokenError {
  const text = 'Too many questions of this pod or its namespace wait for their turn already. Try again.';
  return new TokenError('throttled', text);
}

function late(): TokenError {
  const text =
    'The question for this token waited too long for its turn: the metadata service of the machine or Entra takes only so many. Try again.';
  return new TokenError('throttled', text);
}

function left(): TokenError {
  return new TokenError(
    'unavailable',
    'The question for this token was given up: its callers left. Try again.',
  );
}
