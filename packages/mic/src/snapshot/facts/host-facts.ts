// Folds results of Azure into the facts of a host. Each fold takes the facts and an event and returns the new facts, or the same
// object if nothing changed. Time and randomness are arguments.
import type { Host, ResourceId } from '@pod-identity/crd-types';
import { hardlySpentAt, updateBudget } from './budget.ts';
import type { HostFacts, HostRecord, LastFailure, OwnAttachment, PresentIdentity, Renewal } from './facts.ts';
import { foldBlame, foldLeft, foldRejections } from './attempts.ts';
import { foldSuspicion, foldTheirs, isTheirsAlone, theirPauseMs } from './late-blame.ts';
import {
  failedLate,
  type HostFailure,
  type HostReading,
  type HostUpdate,
  type ReadOutcome,
} from './outcomes.ts';
import { pauseMs } from './pauses.ts';
import { forgottenAt, isRemembered } from './strikes.ts';
import { unappliedAfter, withApplied, withoutIds, withSent } from './unapplied.ts';

type Present = HostReading['present'];

export interface At {
  readonly now: number;
  /** 0 to 1: spreads retries. */
  readonly chance: number;
}

const hourMs = 3_600_000;
/** After this time, earlier rejections of an id no longer count. */
const quarantineMemoryMs = 24 * hourMs;
/** After this time, an entry that could not be attached again is given up: its identity is gone, or MIC does not get the right. */
const renewalMemoryMs = 30 * 24 * hourMs;
export function createFacts(host: Host): HostFacts {
  return factsFromRecord({
    host,
    ours: new Map(),
    renewing: new Map(),
    quarantined: new Map(),
    notBefore: 0,
    subscriptionNotBefore: 0,
    spentUntil: 0,
    strikes: new Map(),
    accepted: new Map(),
    unapplied: new Set(),
    lateFailures: 0,
  });
}

/** At the start of a term, what the host carries is unknown, and each grace period starts again. */
export function factsFromRecord(record: HostRecord): HostFacts {
  return { ...recordOf(record), idleSince: new Map(), renewedAt: new Map() };
}

/** The part that is stored. */
export function recordOf(facts: HostRecord): HostRecord {
  const { host, ours, renewing, quarantined, notBefore, subscriptionNotBefore, spentUntil } = facts;
  const { strikes, accepted, unapplied, lateFailures } = facts;
  const limits = { notBefore, subscriptionNotBefore, spentUntil, strikes };
  return { host, ours, renewing, quarantined, accepted, unapplied, lateFailures, ...limits };
}

/** Starts the grace period of identities that no pod needs any more, and ends it for those that are needed again. */
export function foldIdle(facts: HostFacts, needed: { has(id: ResourceId): boolean }, now: number): HostFacts {
  const idle = [...facts.ours.keys()].filter((id) => !needed.has(id));
  const isSame = idle.length === facts.idleSince.size && idle.every((id) => facts.idleSince.has(id));
  if (isSame) return facts;
  return { ...facts, idleSince: new Map(idle.map((id) => [id, facts.idleSince.get(id) ?? now])) };
}

export function foldReading(facts: HostFacts, outcome: ReadOutcome, at: At): HostFacts {
  if (outcome.kind !== 'read') return foldFailure(facts, outcome, at);
  const after = foldPresent(facts, outcome, at.now);
  return isUpdateOpen(after) ? after : clearFailure(after);
}

/** Whether a failed update will be sent again: a successful read does not clear the failure then. */
function isUpdateOpen({ failed, unapplied, lastFailure }: HostFacts): boolean {
  return (
    failed === true &&
    unapplied.size > 0 &&
    (lastFailure?.kind === 'failed' || lastFailure?.kind === 'unavailable')
  );
}

/** To be recorded before the PATCH that attaches these. Entries that exist already or are being renewed keep their owner. */
export function foldIntent(facts: HostFacts, attaching: readonly ResourceId[], now: number): HostFacts {
  const isNews = (id: ResourceId) =>
    facts.ours.has(id)
      ? facts.ours.get(id)?.confirmed === false
      : facts.present?.has(id) !== true && !facts.renewing.has(id);
  const intents = attaching
    .filter(isNews)
    .map((id): [ResourceId, OwnAttachment] => [id, oneMoreAttempt(facts.ours.get(id), now)]);
  const sent = withSent(facts, attaching);
  return intents.length === 0 ? sent : { ...sent, ours: new Map([...facts.ours, ...intents]) };
}

function oneMoreAttempt(own: OwnAttachment | undefined, now: number): OwnAttachment {
  if (own === undefined) return { since: now, confirmed: false };
  return { ...own, attempts: (own.attempts ?? 1) + 1 };
}

/**
 * To be recorded before the PATCH that removes these for a renewal, so that any later leader attaches them again. They keep their
 * owner.
 */
export function foldRenewal(facts: HostFacts, renewing: readonly ResourceId[], now: number): HostFacts {
  const fresh = renewing.filter((id) => !facts.ours.has(id) && !facts.renewing.has(id));
  if (fresh.length === 0) return facts;
  const begun = fresh.map((id): [ResourceId, Renewal] => [id, { since: now }]);
  return { ...facts, renewing: new Map([...facts.renewing, ...begun]) };
}

/**
 * Removes the intents of a PATCH that ARM certainly did not accept. If the response to an earlier PATCH under the same intent was
 * lost, that PATCH may still take effect: then the intent stays until a reading decides.
 */
export function foldRefused(facts: HostFacts, refused: readonly ResourceId[]): HostFacts {
  if (refused.length === 0) return facts;
  const ours = new Map(facts.ours);
  const withdrawn: ResourceId[] = [];
  for (const id of refused) {
    const own = ours.get(id);
    if (own === undefined || own.confirmed) continue;
    const attempts = (own.attempts ?? 1) - 1;
    if (attempts > 0) ours.set(id, { since: own.since, confirmed: false, ...(attempts > 1 && { attempts }) });
    else if (ours.delete(id)) withdrawn.push(id);
  }
  return { ...facts, ours, unapplied: withoutIds(facts.unapplied, withdrawn) };
}

/** Also to be recorded before the PATCH, so that the next leader continues with the host's remaining budget. */
export function foldSpending(facts: HostFacts, spentUntil: number): HostFacts {
  return spentUntil > facts.spentUntil ? { ...facts, spentUntil } : facts;
}

export function foldUpdate(facts: HostFacts, { change, outcome }: HostUpdate, at: At): HostFacts {
  const { present, rejected, refusal, patches, refused = [], applied = [] } = outcome;
  // Renewals that did not happen, for example because the budget was used up, stay due.
  const renewed = change.renew.flatMap((id) => (applied.includes(id) ? [[id, at.now] as const] : []));
  let after = foldRefused(withApplied(facts, applied), refused);
  if (present) after = foldPresent(after, { ...outcome, present }, at.now);
  // Something was sent and the host could not be read since: `present` is unknown until the next reading.
  else if (patches > 0) after = withoutPresent(after);
  // Last: foldPresent removes it again once the entry changes.
  if (renewed.length > 0) after = { ...after, renewedAt: new Map([...after.renewedAt, ...renewed]) };
  after = foldBlame(foldRejections(after, rejected, at), { change, outcome }, at.now);
  if (!refusal) return clearFailure(foldSuspicion(after, { change, outcome }, at.now));
  if (!isTheirsAlone(facts, change, refusal)) return foldFailure(after, refusal, at);
  const message = 'message' in refusal ? refusal.message : '';
  const theirs = foldTheirs(after, { change, message }, at);
  return foldFailure(theirs, { kind: 'failed', message, retryAfterMs: theirPauseMs }, at);
}

/** Holds the host back for a reason outside of it, such as throttling of its whole subscription. */
export function foldThrottle(facts: HostFacts, until: number): HostFacts {
  return until > facts.notBefore ? { ...facts, notBefore: until } : facts;
}

/** Removes everything that has expired. */
export function foldExpiry(facts: HostFacts, now: number): HostFacts {
  const quarantined = filterMap(facts.quarantined, ({ until }) => until + quarantineMemoryMs > now);
  const renewing = filterMap(facts.renewing, ({ since }) => since + renewalMemoryMs > now);
  const notBefore = facts.notBefore > now ? facts.notBefore : 0;
  const subscriptionNotBefore = facts.subscriptionNotBefore > now ? facts.subscriptionNotBefore : 0;
  // The refilled budget alone causes no write: it is removed when nothing else is recorded.
  const strikes = filterMap(facts.strikes, (strike) => isRemembered(strike, now));
  const accepted = filterMap(facts.accepted, (until) => until + quarantineMemoryMs > now);
  const isNeeded =
    hardlySpentAt(updateBudget, facts.spentUntil) > now ||
    facts.ours.size + renewing.size + quarantined.size + strikes.size + facts.unapplied.size + notBefore > 0;
  const spentUntil = isNeeded ? facts.spentUntil : 0;
  const settled = { renewing, quarantined, notBefore, subscriptionNotBefore, spentUntil, strikes, accepted };
  const after = { ...facts, ...settled };
  const keys = Object.keys(settled) as (keyof typeof settled)[];
  return keys.every((key) => after[key] === facts[key]) ? facts : after;
}

/** When everything on record except MIC's own entries has expired; Infinity if there is nothing. */
export function settledAt({ notBefore, quarantined, spentUntil, strikes }: HostRecord): number {
  const ends = Array.from(quarantined.values(), ({ until }) => until + quarantineMemoryMs);
  const last = Math.max(notBefore, hardlySpentAt(updateBudget, spentUntil), forgottenAt(strikes), ...ends);
  return last > 0 ? last : Infinity;
}

/** Whether the entry is missing, or left over from a deleted identity. */
function isDead(entry: PresentIdentity | undefined): boolean {
  return entry?.clientId === undefined && entry?.principalId === undefined;
}

/** Whether the host is known to carry the identity in a usable state. */
export function isCarried(facts: HostFacts | undefined, id: ResourceId): boolean {
  return !isDead(facts?.present?.get(id)) && facts?.unapplied.has(id) !== true;
}

/** Whether the host carries the identity under another client id than the stated one. */
export function isMisstated(
  facts: HostFacts | undefined,
  id: ResourceId,
  stated: string | undefined,
): boolean {
  const actual = facts?.present?.get(id)?.clientId?.toLowerCase();
  return actual !== undefined && stated !== undefined && stated.toLowerCase() !== actual;
}

/** Ownership follows from whether an id is listed; whether it is usable, from its entry. */
function foldPresent(facts: HostFacts, reading: Omit<HostReading, 'kind'>, now: number): HostFacts {
  const { present, unsettled, failed } = reading;
  const ours = ownedIn(present, facts.ours, unsettled);
  // A listed id, dead or alive, needs no repair. Once a listing is settled, the next renewal of a dead entry starts a new record.
  const renewing = filterMap(facts.renewing, (_, id) =>
    unsettled ? isDead(present.get(id)) : !present.has(id),
  );
  const unapplied = unappliedAfter(facts.unapplied, reading);
  const lateFailures = unsettled || failed ? facts.lateFailures : 0;
  // A usable entry was accepted after its refusal.
  const quarantined = filterMap(facts.quarantined, (_, id) => isDead(present.get(id)) || unapplied.has(id));
  const before = facts.present;
  const renewedAt = before
    ? filterMap(facts.renewedAt, (_, id) => before.get(id)?.clientId === present.get(id)?.clientId)
    : facts.renewedAt;
  const accepted = foldLeft(facts, ours, now);
  const entries = { present, failed, ours, renewing, quarantined, renewedAt, accepted };
  return { ...facts, ...entries, unapplied, lateFailures, readAt: now };
}

/** Listed ids were attached. Ids that are not listed were detached or never attached, unless the host is being changed. */
function ownedIn(present: Present, ours: HostFacts['ours'], unsettled: true | undefined): HostFacts['ours'] {
  const kept = [...ours].filter(([id]) => unsettled ?? present.has(id));
  return new Map(
    kept.map(([id, own]) => [
      id,
      own.confirmed || !present.has(id) ? own : { since: own.since, confirmed: true },
    ]),
  );
}

function withoutPresent(facts: HostFacts): HostFacts {
  const rest: { -readonly [K in keyof HostFacts]: HostFacts[K] } = { ...facts };
  delete rest.present;
  delete rest.readAt;
  delete rest.failed;
  return rest;
}

function foldFailure(facts: HostFacts, failure: HostFailure, { now, chance }: At): HostFacts {
  if (failure.kind === 'aborted') return facts;
  const { kind } = failure;
  const inTerm = facts.lastFailure?.kind === kind ? facts.lastFailure.failures : 0;
  const isLate = failedLate(failure);
  const lateFailures = facts.lateFailures + (isLate ? 1 : 0);
  // Failed operations before this term count too.
  const failures = isLate ? Math.max(inTerm + 1, lateFailures) : inTerm + 1;
  const lastFailure = { ...reportOf(failure), failures };
  const until = now + pauseMs(failure, failures, chance);
  const isOfSubscription = failure.kind === 'throttled' && failure.scope === 'subscription';
  const subscriptionNotBefore = isOfSubscription ? until : facts.subscriptionNotBefore;
  const held = { ...foldThrottle(facts, until), subscriptionNotBefore, lastFailure, lateFailures };
  // A deleted host carries nothing, so no clean-up is needed there.
  return kind === 'gone'
    ? { ...foldPresent(held, { present: new Map() }, now), renewing: new Map(), idleSince: new Map() }
    : held;
}

function reportOf(failure: Exclude<HostFailure, { kind: 'aborted' }>): Omit<LastFailure, 'failures'> {
  return {
    kind: failure.kind,
    message: failure.message,
    ...('lacksToken' in failure && { lacksToken: true }),
    ...('isLocked' in failure && { isLocked: true }),
  };
}

function clearFailure(facts: HostFacts): HostFacts {
  const { lastFailure, ...rest } = facts;
  return lastFailure ? rest : facts;
}

/** Returns the same map if all entries stay. */
function filterMap<K, V>(map: ReadonlyMap<K, V>, stays: (value: V, key: K) => boolean): ReadonlyMap<K, V> {
  const kept = [...map].filter(([key, value]) => stays(value, key));
  return kept.length === map.size ? map : new Map(kept);
}
