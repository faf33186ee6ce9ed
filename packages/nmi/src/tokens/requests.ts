import type { ResourceId } from '@pod-identity/crd-types';
import type { Ambient } from '@pod-identity/kit/serve';
import type { TurnQueue } from '../waiting/turn-queues.ts';
import { createApplicationQuota } from './application-quota.ts';
import { isTemporary, TokenError } from './errors.ts';
import { createFlights, type Flights, type QueuedRequest, type TokenCaller } from './flights.ts';
import { keyOf, type Entry } from './memory.ts';
import { createSetbacks, type Setbacks } from './setbacks.ts';
import {
  isOfEntra,
  type IssuedToken,
  type LastResponse,
  type TokenSubject,
  type TokenUpstream,
  type WantedToken,
} from './types.ts';
import { createUnknownIdentities } from './unknown-identities.ts';

export type TokenRequests = ReturnType<typeof createTokenRequests>;

export interface TokenRequestsOptions extends Pick<Ambient, 'clock' | 'random'> {
  readonly upstream: TokenUpstream;
  readonly queueFor: (subject: TokenSubject, lastResponse: LastResponse) => TurnQueue;
  /** Whether a token of the subject is in memory. */
  readonly isKnown: (subject: TokenSubject) => boolean;
  /** The token in memory, whoever asked for it. */
  readonly known: (wanted: WantedToken) => Entry | undefined;
  /** Called for each token that has come, whether or not its callers have left. */
  readonly onIssued: (wanted: WantedToken, namespace: string, issued: IssuedToken) => void;
  /** Called for each caller that gets it. */
  readonly onShared: (wanted: WantedToken, namespace: string) => void;
}

/** One request at a time for each token and namespace, in turns by namespace and pod, and none that is known to fail. */
export function createTokenRequests(options: TokenRequestsOptions) {
  const { onShared } = options;
  const setbacks = createSetbacks(options);
  const unknown = createUnknownIdentities(options);
  const flights = createFlights<IssuedToken>(options.clock);
  const join = joinInto(flights, setbacks, options);
  const mayTry = (wanted: WantedToken, namespace: string) =>
    setbacks.mayTry({ namespace, name: nameOf(wanted) });

  return {
    /** A new token, by a running request or another one, unless that is known to fail. Fails with a TokenError. */
    async fetch(wanted: WantedToken, caller: TokenCaller) {
      const { namespace } = caller.tenant;
      const isJoined = flights.isUnderWay(flightOf(wanted, namespace));
      const requested = { namespace, name: keyOf(wanted.subject) };
      throwIf(isJoined ? undefined : unknown.recall(requested));
      const last = unknown.begin(requested);
      try {
        throwIf(isJoined ? undefined : setbacks.refusal({ namespace, name: pauseOf(wanted) }));
        const issued = await join(wanted, caller, last !== undefined);
        unknown.forget(requested);
        onShared(wanted, namespace);
        return { issued, from: isJoined ? ('joined' as const) : ('miss' as const) };
      } catch (error) {
        if (isUnknown(error)) unknown.note(requested, error);
        else unknown.end(requested);
        // A failure that passes says nothing new of the identity.
        throw last && error instanceof TokenError && isTemporary(error.code) ? last : error;
      }
    },
    /** Requests a new token that nobody waits for, unless that is done already. */
    renew(wanted: WantedToken, caller: TokenCaller): void {
      const { namespace } = caller.tenant;
      if (!mayTry(wanted, namespace) || flights.isUnderWay(flightOf(wanted, namespace))) return;
      // Errors are ignored: when the token is old, the next caller requests it again and gets the error.
      void join(wanted, caller, false).catch(() => undefined);
    },
    /** Whether a request is under way, or may be made in the background. */
    mayTry: (wanted: WantedToken, namespace: string) =>
      flights.isUnderWay(flightOf(wanted, namespace)) || mayTry(wanted, namespace),
    /** Whether the service did not know the identity when it was last asked: it may have been deleted, and another one made under its name. */
    isGone: (wanted: WantedToken, namespace: string) =>
      unknown.has({ namespace, name: keyOf(wanted.subject) }) ||
      setbacks.isUnknown({ namespace, name: nameOf(wanted) }),
    /** False for a few seconds after the service did not know the subject: then `fetch` fails without a request. */
    mayRequest: (subject: TokenSubject, namespace: string) =>
      unknown.recall({ namespace, name: keyOf(subject) }) === undefined,
    /** A subject may be asked for again. */
    changes: unknown.changes,
    /** The identity may be attached by now: for this namespace it may be asked for again at once. */
    hint: (namespace: string, name: ResourceId) => unknown.hint({ namespace, name }),
  };
}

function throwIf(refused: TokenError | undefined): void {
  if (refused) throw refused;
}

function isUnknown(error: unknown): error is TokenError {
  return error instanceof TokenError && error.code === 'not-on-host';
}

/** Joins a running request, or makes one. `isRepeated`: the service did not know the identity the last time. */
function joinInto(flights: Flights<IssuedToken>, setbacks: Setbacks, options: TokenRequestsOptions) {
  const { upstream, clock, queueFor, isKnown, known, onIssued } = options;
  const quota = createApplicationQuota(clock);

  const send = async (wanted: WantedToken, namespace: string): Promise<IssuedToken> => {
    // The service may have sent a Retry-After while this request waited.
    throwIf(setbacks.refusal({ namespace, name: pauseOf(wanted) }));
    const names = new Set([nameOf(wanted), pauseOf(wanted)]);
    const issued = await upstream.requestToken(wanted).catch((error: unknown) => {
      if (error instanceof TokenError) for (const name of names) setbacks.note({ namespace, name }, error);
      throw error;
    });
    for (const name of names) setbacks.clear({ namespace, name });
    onIssued(wanted, namespace, issued);
    return issued;
  };

  return async (wanted: WantedToken, caller: TokenCaller, isRepeated: boolean): Promise<IssuedToken> => {
    const { tenant } = caller;
    const { namespace } = tenant;
    const { subject } = wanted;
    const cost = costOf(subject);
    const before = known(wanted);
    const request: QueuedRequest<IssuedToken> = {
      queue: queueFor(subject, isRepeated ? 'unknown' : isKnown(subject) ? 'known' : 'new'),
      cost,
      refusal: () =>
        quota.refusal(subject, tenant, {
          requests: cost,
          lastReason: () => setbacks.reason({ namespace, name: nameOf(wanted) }),
        }),
      send: () => {
        // Another namespace may have got one meanwhile.
        const now = known(wanted);
        return now && now !== before ? Promise.resolve(now.issued) : send(wanted, namespace);
      },
    };
    const repeated = { ...caller, admit: unlimited, turnUntil: caller.deadline };
    return flights.join(flightOf(wanted, namespace), isRepeated ? repeated : caller, request);
  };
}

/** Repeated requests have a queue of their own, which is limit enough: others of the pod must not wait for them. */
const unlimited = () => 0;

/** One request for each tenant. */
function costOf(subject: TokenSubject): number {
  return subject.kind === 'service-principal' ? 1 + subject.auxiliaryTenantIds.length : 1;
}

/** Wanted tokens with the same name can share a request. */
function nameOf({ subject, resource }: WantedToken): string {
  return `${keyOf(subject)} ${resource}`;
}

/** Each namespace has its own request: whoever fills the queue of one delays no other. */
function flightOf(wanted: WantedToken, namespace: string): string {
  return `${namespace} ${nameOf(wanted)}`;
}

/** What the service slows down: Entra counts all requests of an application. */
function pauseOf(wanted: WantedToken): string {
  return isOfEntra(wanted.subject) ? keyOf(wanted.subject) : nameOf(wanted);
}
