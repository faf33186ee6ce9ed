// How what Azure answers becomes what MIC knows. Each fold takes the facts of one host and an event and gives the facts
// after it; the same object when nothing changed. Time and chance are arguments.
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
/** A rejection that long past says nothing about the next attempt. */
const quarantineMemoryMs = 24 * hourMs;
/** What could not be put back for that long is not tried again: its identity is gone, or nobody gives MIC the right. */
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

/** At the start of a term: what a host carries is not known, and every grace begins again. */
export function factsFromRecord(record: HostRecord): HostFacts {
  return { ...recordOf(record), idleSince: new Map(), renewedAt: new Map() };
}

/** The part to be kept beyond the term. */
export function recordOf(facts: HostRecord): HostRecord {
  const { host, ours, renewing, quarantined, notBefore, subscriptionNotBefore, spentUntil } = facts;
  const { strikes, accepted, unapplied, lateFailures } = facts;
  const limits = { notBefore, subscriptionNotBefore, spentUntil, strikes };
  return { host, ours, renewing, quarantined, accepted, unapplied, lateFailures, ...limits };
}

/** Starts the grace of what nobody needs any more, and ends it for what somebody needs again. */
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

/** Its update has failed and is sent again: a successful read meanwhile does not clear the failure. */
function isUpdateOpen({ failed, unapplied, lastFailure }: HostFacts): boolean {
  return (
    failed === true &&
    unapplied.size > 0 &&
    (lastFailure?.kind === 'failed' || lastFailure?.kind === 'unavailable')
  );
}

/** To be written down before the PATCH that attaches these. What is there already, or is put back, stays whose it is. */
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
 * To be written down before the PATCH that takes these off in order to put them back: whoever leads by then puts them back,
 * and they stay whose they are.
 */
export function foldRenewal(facts: HostFacts, renewing: readonly ResourceId[], now: number): HostFacts {
  const fresh = renewing.filter((id) => !facts.ours.has(id) && !facts.renewing.has(id));
  if (fresh.length === 0) return facts;
  const begun = fresh.map((id): [ResourceId, Renewal] => [id, { since: now }]);
  return { ...facts, renewing: new Map([...facts.renewing, ...begun]) };
}

/**
 * Takes back the intents of a PATCH that ARM certainly did not take. An earlier PATCH under the same intent may be under
 * way all the same, if its answer was lost: then the intent stays until a reading decides.
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

/** To be written down before the PATCH as well: the next leader goes on with what is left of the host's budget. */
export function foldSpending(facts: HostFacts, spentUntil: number): HostFacts {
  return spentUntil > facts.spentUntil ? { ...facts, spentUntil } : facts;
}

export function foldUpdate(facts: HostFacts, { change, outcome }: HostUpdate, at: At): HostFacts {
  const { present, rejected, refusal, patches, refused = [], applied = [] } = outcome;
  // What was to be renewed and was not, because the budget ended before, say, is still to be renewed.
  const renewed = change.renew.flatMap((id) => (applied.includes(id) ? [[id, at.now] as const] : []));
  let after = foldRefused(withApplied(facts, applied), refused);
  if (present) after = foldPresent(after, { ...outcome, present }, at.now);
  // Something was sent and the host could not be read since: nothing is known until it is read again.
  else if (patches > 0) after = withoutPresent(after);
  // Last, because it is remembered for the entry as it is now: it ends when that becomes another one.
  if (renewed.length > 0) after = { ...after, renewedAt: new Map([...after.renewedAt, ...renewed]) };
  after = foldBlame(foldRejections(after, rejected, at), { change, outcome }, at.now);
  if (!refusal) return clearFailure(foldSuspicion(after, { change, outcome }, at.now));
  if (!isTheirsAlone(facts, change, refusal)) return foldFailure(after, refusal, at);
  const message = 'message' in refusal ? refusal.message : '';
  const theirs = foldTheirs(after, { change, message }, at);
  return foldFailure(theirs, { kind: 'failed', message, retryAfterMs: theirPauseMs }, at);
}

/** Held back for a reason outside this host, such as the throttling of its whole subscription. */
export function foldThrottle(facts: HostFacts, until: number): HostFacts {
  return until > facts.notBefore ? { ...facts, notBefore: until } : facts;
}

/** Forgets what time has settled. */
export function foldExpiry(facts: HostFacts, now: number): HostFacts {
  const quarantined = filterMap(facts.quarantined, ({ until }) => until + quarantineMemoryMs > now);
  const renewing = filterMap(facts.renewing, ({ since }) => since + renewalMemoryMs > now);
  const notBefore = facts.notBefore > now ? facts.notBefore : 0;
  const subscriptionNotBefore = facts.subscriptionNotBefore > now ? facts.subscriptionNotBefore : 0;
  // What came back to the budget is no reason to write: it goes when nothing else is on record.
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

/** When time will have settled all that is on record besides what is MIC's own; Infinity when there is nothing. */
export function settledAt({ notBefore, quarantined, spentUntil, strikes }: HostRecord): number {
  const ends = Array.from(quarantined.values(), ({ until }) => until + quarantineMemoryMs);
  const last = Math.max(notBefore, hardlySpentAt(updateBudget, spentUntil), forgottenAt(strikes), ...ends);
  return last > 0 ? last : Infinity;
}

/** Not there, or there as what is left of an identity that was deleted. */
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

/** Whose an entry is depends on the list alone; whether it can be used, on what the entry says. */
function foldPresent(facts: HostFacts, reading: Omit<HostReading, 'kind'>, now: number): HostFacts {
  const { present, unsettled, failed } = reading;
  const ours = ownedIn(present, facts.ours, unsettled);
  // What is listed, dead or alive, is not off; once a dead one is settled, the next renewal begins with a record of its own.
  const renewing = filterMap(facts.renewing, (_, id) =>
    unsettled ? isDead(present.get(id)) : !present.has(id),
  );
  const unapplied = unappliedAfter(facts.unapplied, reading);
  const lateFailures = unsettled || failed ? facts.lateFailures : 0;
  // What is there and can be used has been accepted since it was refused.
  const quarantined = filterMap(facts.quarantined, (_, id) => isDead(present.get(id)) || unapplied.has(id));
  const before = facts.present;
  const renewedAt = before
    ? filterMap(facts.renewedAt, (_, id) => before.get(id)?.clientId === present.get(id)?.clientId)
    : facts.renewedAt;
  const accepted = foldLeft(facts, ours, now);
  const entries = { present, failed, ours, renewing, quarantined, renewedAt, accepted };
  return { ...facts, ...entries, unapplied, lateFailures, readAt: now };
}

/** What is listed was attached. What is not was taken off or never came: as soon as nobody is changing the host. */
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
  const { kind, message } = failure;
  const inTerm = facts.lastFailure?.kind === kind ? facts.lastFailure.failures : 0;
  const isLate = failedLate(failure);
  const lateFailures = facts.lateFailures + (isLate ? 1 : 0);
  // Operations that failed before this term count as well.
  const failures = isLate ? Math.max(inTerm + 1, lateFailures) : inTerm + 1;
  const lastFailure: LastFailure = { kind, message, at: now, failures };
  const until = now + pauseMs(failure, failures, chance);
  const isOfSubscription = failure.kind === 'throttled' && failure.scope === 'subscription';
  const subscriptionNotBefore = isOfSubscription ? until : facts.subscriptionNotBefore;
  const held = { ...foldThrottle(facts, until), subscriptionNotBefore, lastFailure, lateFailures };
  // A host that is no more carries nothing: what was ours there needs no cleaning up.
  return kind === 'gone'
    ? { ...foldPresent(held, { present: new Map() }, now), renewing: new Map(), idleSince: new Map() }
    : held;
}

function clearFailure(facts: HostFacts): HostFacts {
  const { lastFailure, ...rest } = facts;
  return lastFailure ? rest : facts;
}

/** The same map when everything stays. */
function filterMap<K, V>(map: ReadonlyMap<K, V>, stays: (value: V, key: K) => boolean): ReadonlyMap<K, V> {
  const kept = [...map].filter(([key, value]) => stays(value, key));
  return kept.length === map.size ? map : new Map(kept);
}
