import type { ResourceId } from '@pod-identity/crd-types';
import type { Clock } from '@pod-identity/kit/core';
import type { Changes } from '../waiting/await-change.ts';
import type { TurnQueue } from '../waiting/turn-queues.ts';
import { createApplicationQuota } from './application-quota.ts';
import { isTemporary, TokenError } from './errors.ts';
import { keyOf } from './memory.ts';
import { createQuestions, type Asker, type Question, type Questions } from './questions.ts';
import { createSetbacks, type Setbacks } from './setbacks.ts';
import type { IssuedToken, LastAnswer, TokenSubject, TokenUpstream, TokenWish } from './types.ts';
import { createUnknownIdentities } from './unknown-identities.ts';

export interface TokenRequests {
  /** A new token, by a running request or another one, unless that is known to fail. Fails with a TokenError. */
  fetch(wish: TokenWish, asker: Asker): Promise<{ issued: IssuedToken; from: 'joined' | 'miss' }>;
  /** Requests a new token that nobody waits for, unless that is done already. */
  renew(wish: TokenWish, asker: Asker): void;
  /** Whether a request is under way, or may be made in the background. */
  mayTry(wish: TokenWish, namespace: string): boolean;
  /** Whether the service did not know the identity when it was last asked: it may have been deleted, and another one made under its name. */
  isGone(wish: TokenWish, namespace: string): boolean;
  /** False for a few seconds after the service did not know the subject: then `fetch` fails without a request. */
  readonly mayAsk: (subject: TokenSubject, namespace: string) => boolean;
  /** A subject may be asked for again. */
  readonly changes: Changes;
  /** The identity may be attached by now: for this namespace it may be asked for again at once. */
  readonly hint: (namespace: string, identity: ResourceId) => void;
}

export interface TokenRequestsOptions {
  readonly upstream: TokenUpstream;
  readonly queueFor: (subject: TokenSubject, lastAnswer: LastAnswer) => TurnQueue;
  readonly clock: Clock;
  readonly random: () => number;
  /** Whether a token of the subject is in memory. */
  readonly isKnown: (subject: TokenSubject) => boolean;
  /** Called for each token that has come, whether or not its callers have left. */
  readonly onIssued: (wish: TokenWish, namespace: string, issued: IssuedToken) => void;
  /** Called for each caller that gets it. */
  readonly onShared: (wish: TokenWish, namespace: string) => void;
}

/** One request at a time for each token, in turns by namespace and pod, and none that is known to fail. */
export function createTokenRequests(options: TokenRequestsOptions): TokenRequests {
  const { onShared } = options;
  const setbacks = createSetbacks(options);
  const unknown = createUnknownIdentities(options);
  const flights = createQuestions<IssuedToken>(options.clock);
  const join = joinInto(flights, setbacks, options);
  const mayTry = (wish: TokenWish, namespace: string) => setbacks.mayTry({ namespace, name: nameOf(wish) });

  return {
    async fetch(wish, asker) {
      const isJoined = flights.isUnderWay(nameOf(wish));
      const { namespace } = asker.tenant;
      const asked = { namespace, identity: keyOf(wish.subject) };
      throwIf(isJoined ? undefined : unknown.recall(asked));
      const last = unknown.begin(asked);
      try {
        throwIf(isJoined ? undefined : setbacks.refusal({ namespace, name: pauseOf(wish) }));
        const issued = await join(wish, asker, last !== undefined);
        unknown.forget(asked);
        onShared(wish, namespace);
        return { issued, from: isJoined ? 'joined' : 'miss' };
      } catch (error) {
        if (isUnknown(error)) unknown.note(asked, error);
        else unknown.end(asked);
        // A failure that passes says nothing new of the identity.
        throw last && error instanceof TokenError && isTemporary(error.code) ? last : error;
      }
    },
    renew(wish, asker) {
      const { namespace } = asker.tenant;
      if (!mayTry(wish, namespace) || flights.isAskedFor(nameOf(wish), namespace)) return;
      // Errors are ignored: when the token is old, the next caller requests it again and gets the error.
      void join(wish, asker, false).catch(() => undefined);
    },
    mayTry: (wish, namespace) => flights.isUnderWay(nameOf(wish)) || mayTry(wish, namespace),
    isGone: (wish, namespace) =>
      unknown.has({ namespace, identity: keyOf(wish.subject) }) ||
      setbacks.isUnknown({ namespace, name: nameOf(wish) }),
    mayAsk: (subject, namespace) => unknown.recall({ namespace, identity: keyOf(subject) }) === undefined,
    changes: unknown.changes,
    hint: (namespace, identity) => unknown.hint({ namespace, identity }),
  };
}

function throwIf(refused: TokenError | undefined): void {
  if (refused) throw refused;
}

function isUnknown(error: unknown): error is TokenError {
  return error instanceof TokenError && error.code === 'not-on-host';
}

/** Joins a running request, or makes one. `isRepeated`: the service did not know the identity the last time. */
function joinInto(flights: Questions<IssuedToken>, setbacks: Setbacks, options: TokenRequestsOptions) {
  const { upstream, clock, queueFor, isKnown, onIssued } = options;
  const quota = createApplicationQuota(clock);

  const ask = async (wish: TokenWish, namespace: string): Promise<IssuedToken> => {
    const names = new Set([nameOf(wish), pauseOf(wish)]);
    const issued = await upstream.ask(wish).catch((error: unknown) => {
      if (error instanceof TokenError) for (const name of names) setbacks.note({ namespace, name }, error);
      throw error;
    });
    for (const name of names) setbacks.clear({ namespace, name });
    onIssued(wish, namespace, issued);
    return issued;
  };

  return (wish: TokenWish, asker: Asker, isRepeated: boolean): Promise<IssuedToken> => {
    const { namespace } = asker.tenant;
    const { subject } = wish;
    const cost = costOf(subject);
    const question: Question<IssuedToken> = {
      queue: queueFor(subject, isRepeated ? 'unknown' : isKnown(subject) ? 'known' : 'new'),
      cost,
      // The service may have asked for time while this waited.
      refusal: () =>
        setbacks.refusal({ namespace, name: pauseOf(wish) }) ??
        quota.refusal({ subject, tenant: asker.tenant, requests: cost }, () =>
          setbacks.reason({ namespace, name: nameOf(wish) }),
        ),
      ask: () => ask(wish, namespace),
    };
    const repeated = { ...asker, admit: unlimited, turnUntil: asker.deadline };
    return flights.join(nameOf(wish), isRepeated ? repeated : asker, question);
  };
}

/** Repeated requests have a queue of their own, which is limit enough: others of the pod must not wait for them. */
const unlimited = () => 0;

/** One request for each tenant. */
function costOf(subject: TokenSubject): number {
  return subject.kind === 'service-principal' ? 1 + subject.auxiliaryTenantIds.length : 1;
}

/** Wishes with the same name can share a request. */
function nameOf({ subject, resource }: TokenWish): string {
  return `${keyOf(subject)} ${resource}`;
}

/** What the service slows down: Entra counts all requests of an application. */
function pauseOf(wish: TokenWish): string {
  return wish.subject.kind === 'service-principal' ? keyOf(wish.subject) : nameOf(wish);
}
