// Room: one token for an identity that the caller may use already: memory, shared calls, remembered failures.
// It must not know requests or responses, or decide who may use which identity.
import { orLate, type Clock } from '@pod-identity/kit/core';
import { ageFor, ageOf, isUnnamed } from './age.ts';
import { isNew } from './application-quota.ts';
import { anotherIdentity, hasOtherClientId } from './client-id.ts';
import { isTemporary, TokenError } from './errors.ts';
import { createTokenMemory, type Entry, type TokenMemory } from './memory.ts';
import type { TokenCaller } from './flights.ts';
import { createTokenRequests, type TokenRequests, type TokenRequestsOptions } from './requests.ts';
import type { IssuedToken, TokenSubject, WantedToken } from './types.ts';

export interface TokenSource extends Pick<TokenRequests, 'mayRequest' | 'changes' | 'hint'> {
  /** A fresh token from memory; undefined if one must be requested. Renewing it is charged to the asker. */
  cached(wanted: WantedToken, caller: () => TokenCaller): IssuedToken | undefined;
  /** From memory or by requests, which are charged to the asker. Fails with a TokenError. */
  get(wanted: WantedToken, caller: TokenCaller): Promise<Obtained>;
  /** Removes the tokens of all other subjects. */
  prune(keep: (subject: TokenSubject) => boolean): void;
}

/** From memory, from a running request, from a new one, or from memory because a new one could not be had. */
export type TokenOrigin = 'hit' | 'joined' | 'miss' | 'stale';

export interface Obtained {
  readonly issued: IssuedToken;
  readonly from: TokenOrigin;
}

export interface TokenSourceOptions extends Omit<
  TokenRequestsOptions,
  'isKnown' | 'known' | 'onIssued' | 'onShared'
> {
  /** What must be looked at before a token of the subject is returned from memory; undefined: nothing. */
  readonly look?: (subject: TokenSubject) => Promise<unknown> | undefined;
}

/** Places of 4 KiB: for 250 pods with a federated identity and two resources each. */
const limits = { perNamespace: 512, total: 2_000 };
/** A token is not returned in its last seconds, even if no other one can be had. */
const lastUseMs = 10_000;
const mismatchKeptMs = 60_000;
/** How long a caller waits for a new token if there is a valid old one. */
const patienceMs = 1_000;

/**
 * Memory in front of the requests. Callers that want no token from memory join the same requests. It does not decide who may get a token. A
 * token that is used in the later part of its life is renewed in the background; if that fails, the old one is returned while it is valid.
 */
export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const { clock } = options;
  const memory = createTokenMemory(limits, clock);
  const requests = requestsInto(memory, options);
  const { mayRequest, changes, hint } = requests;
  const look = lookFor(memory, options);
  const recall = (wanted: WantedToken, { tenant }: TokenCaller) =>
    recalled(memory.recall(wanted, tenant.namespace), wanted, clock);

  const fresh = (wanted: WantedToken, caller: TokenCaller): IssuedToken | undefined => {
    const entry = recall(wanted, caller);
    if (!entry || hasOtherClientId(entry.issued, wanted.subject)) return undefined;
    const now = clock.now();
    const age = ageFor(wanted.subject, entry, now);
    if (now >= age.freshUntil) return undefined;
    if (look(wanted.subject)) return undefined;
    if (now >= age.refreshAt) requests.renew(wanted, caller);
    return entry.issued;
  };
  /** A new token if it can be had soon, otherwise the old one while it is valid. */
  const renewed = async (wanted: WantedToken, caller: TokenCaller): Promise<Obtained> => {
    const { namespace } = caller.tenant;
    const kept = recall(wanted, caller)?.issued;
    const isGone = isUnnamed(wanted.subject) && requests.isGone(wanted, namespace);
    if (isGone || !isUsable(kept, wanted.subject, clock.now())) return requests.fetch(wanted, caller);
    const old: Obtained = { issued: kept, from: 'stale' };
    if (!requests.mayTry(wanted, namespace)) return old;
    return orLate(requests.fetch(wanted, caller).catch(insteadOf(old)), { clock, ms: patienceMs, late: old });
  };

  return {
    cached: (wanted, caller) => fresh(wanted, caller()),
    async get(wanted, caller) {
      await look(wanted.subject);
      const known = fresh(wanted, caller);
      if (known) return { issued: known, from: 'hit' };
      refuseRecentMismatch(memory.recall(wanted, caller.tenant.namespace), wanted.subject, clock.now());
      const obtained = await renewed(wanted, caller);
      if (hasOtherClientId(obtained.issued, wanted.subject))
        throw anotherIdentity(obtained.issued, wanted.subject);
      return obtained;
    },
    prune: (keep) => memory.prune(keep),
    mayRequest,
    changes,
    hint,
  };
}

/** A look before a token from memory, for which a caller waits a while. */
function lookFor(memory: TokenMemory, { look, clock }: TokenSourceOptions) {
  return (subject: TokenSubject): Promise<unknown> | undefined => {
    const looking = memory.has(subject) ? look?.(subject) : undefined;
    return looking && orLate(looking, { clock, ms: patienceMs, late: undefined });
  };
}

function requestsInto(memory: TokenMemory, options: TokenSourceOptions): TokenRequests {
  const { clock, random } = options;
  return createTokenRequests({
    ...options,
    isKnown: (subject) => memory.has(subject),
    known: (wanted) => memory.peek(wanted),
    onIssued: (wanted, namespace, issued) => {
      const now = clock.now();
      const age = ageOf({ now, expiresOn: issued.access.expiresOnTimestamp }, random());
      memory.store(wanted, namespace, { issued, storedAt: now, age });
    },
    // The namespace of a caller that joined the request takes places for the token too.
    onShared: (wanted, namespace) => void memory.recall(wanted, namespace),
  });
}

/** The entry. Undefined for a caller that wants no token from memory, unless it has just been stored. */
function recalled(
  entry: Entry | undefined,
  { bypassCache, subject }: WantedToken,
  clock: Clock,
): Entry | undefined {
  return bypassCache && !(entry && isNew(entry, subject, clock.now())) ? undefined : entry;
}

function isUsable(
  issued: IssuedToken | undefined,
  subject: TokenSubject,
  now: number,
): issued is IssuedToken {
  if (!issued) return false;
  return issued.access.expiresOnTimestamp - lastUseMs > now && !hasOtherClientId(issued, subject);
}

/** Returns the old token instead of a temporary failure. */
function insteadOf(old: Obtained): (error: unknown) => Obtained {
  return (error) => {
    if (error instanceof TokenError && isTemporary(error.code)) return old;
    throw error;
  };
}

/** A token with another client id than the AzureIdentity is kept for a while: otherwise a wrong object would cost a request each time. */
function refuseRecentMismatch(kept: Entry | undefined, subject: TokenSubject, now: number): void {
  if (!kept || !hasOtherClientId(kept.issued, subject)) return;
  const ageMs = now - kept.storedAt;
  if (ageMs >= 0 && ageMs < mismatchKeptMs) throw anotherIdentity(kept.issued, subject);
}
