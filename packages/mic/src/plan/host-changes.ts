// Compares what one host should carry with what it carries. Attaching wins over detaching; MIC detaches only what it attached
// itself, except that a dead entry of anybody is removed to be added again (`renew`); ids that ARM refused wait.
// Whose an identity is: docs/contributor/decisions.md#whose-an-identity-is
import type { ResourceId } from '@pod-identity/crd-types';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import { isCarried, settledAt } from '../snapshot/facts/host-facts.ts';
import { listedUnapplied, updateReadMs } from '../snapshot/facts/unapplied.ts';
import { attemptDueAt, standingOf } from './standing.ts';
import type { HostPlan, PlanRules } from './types.ts';

/** What the cluster's objects require of the host. */
export interface HostNeeds {
  readonly needed: { has(id: ResourceId): boolean };
  /** The needed ids that may be attached. The others are only kept if attached: it is not known whether a pod may use them. */
  readonly granted: { keys(): Iterable<ResourceId>; readonly size: number };
  /** Whether pods that are not known may have it: then it is not detached. */
  mayBeNeeded(id: ResourceId): boolean;
  /** The client ids (lower case) in the AzureIdentities of a resource; undefined for an AzureIdentity without one. */
  statedClientIds(id: ResourceId): readonly (string | undefined)[];
  /** The namespaces of these AzureIdentities. */
  claimants(id: ResourceId): readonly string[];
}

export interface Moment {
  readonly now: number;
  readonly rules: PlanRules;
}

export type HostChanges = Pick<
  HostPlan,
  'attach' | 'again' | 'renew' | 'detach' | 'read' | 'wakeAt' | 'notBefore'
>;

/** Time until the next renewal of an entry that is still dead after a renewal. */
const renewPauseMs = 3_600_000;

/** The change for one identity; a number is the earliest time of a change. */
type IdentityChange = 'attach' | 'again' | 'renew' | 'detach' | 'leave' | number;

export function planIdentities(needs: HostNeeds, facts: HostFacts, moment: Moment): HostChanges {
  const { now } = moment;
  const given = { needs, facts, moment };
  const idle = [...facts.ours.keys()].filter((id) => !needs.needed.has(id));
  // Entries of others that MIC removed for a renewal are attached again, whether or not a pod needs them now.
  const wanted = new Set([...needs.granted.keys(), ...toRestore(facts)]);
  const decided: [ResourceId, IdentityChange][] = [
    ...Array.from(wanted, (id): [ResourceId, IdentityChange] => [id, judgeWanted(id, given)]),
    ...idle.map((id): [ResourceId, IdentityChange] => [id, judgeIdle(id, given)]),
  ];
  const idsTo = (change: IdentityChange) =>
    decided.flatMap(([id, verdict]) => (verdict === change ? id : [])).sort();
  const [attach, renew, detach] = [idsTo('attach'), idsTo('renew'), idsTo('detach')];
  const again = idsTo('again');
  const readAt = nextReading(needs, facts, moment);
  const read = readAt <= now;
  const later = decided.flatMap(([, verdict]) => (typeof verdict === 'number' ? verdict : []));
  // A host that nobody needs is planned once more, to remove its record.
  if (readAt === Infinity) later.push(settledAt(facts));
  const next = Math.min(...later, read ? Infinity : readAt);
  const isDue = read || attach.length + again.length + renew.length + detach.length > 0;
  const { notBefore } = facts;
  const changed = { attach, ...(again.length > 0 && { again }), renew, detach };
  return { ...changed, read, ...nextPlanTime(next, { isDue, now, notBefore }) };
}

/** Changes that are due but held back are due when the hold ends; nothing is due before. */
function nextPlanTime(
  next: number,
  { isDue, now, notBefore }: { readonly isDue: boolean; readonly now: number; readonly notBefore: number },
): Pick<HostChanges, 'wakeAt' | 'notBefore'> {
  const isHeld = notBefore > now;
  const at = isHeld && isDue ? notBefore : Math.max(next, notBefore);
  return { ...(at !== Infinity && { wakeAt: at }), ...(isHeld && { notBefore }) };
}

interface IdentityCase {
  readonly needs: HostNeeds;
  readonly facts: HostFacts;
  readonly moment: Moment;
}

function toRestore(facts: HostFacts): ResourceId[] {
  const { present, renewing, ours } = facts;
  if (present === undefined) return [];
  const missing = [...renewing.keys()].filter((id) => !present.has(id));
  return [...missing, ...listedUnapplied(facts).filter((id) => !ours.has(id))];
}

/**
 * A live entry stays unchanged, whatever AzureIdentities state: anybody who may write one can name any client id. Azure itself
 * reports which entries are dead; nobody can use them, and a pod waits for this one.
 */
function judgeWanted(id: ResourceId, given: IdentityCase): IdentityChange {
  const { facts, moment } = given;
  if (isCarried(facts, id)) return 'leave';
  const allowedAt = Math.max(facts.quarantined.get(id)?.until ?? 0, attemptAt(id, given));
  const soonest = (change: IdentityChange) => (allowedAt > moment.now ? allowedAt : change);
  if (facts.present?.has(id) !== true) return soonest('attach');
  // Only what MIC itself has sent: a host that is Failed for other reasons is not updated.
  if (facts.unapplied.has(id)) return facts.failed ? soonest('again') : 'leave';
  const renewedAt = facts.renewedAt.get(id);
  const dueAt = Math.max(allowedAt, renewedAt === undefined ? 0 : renewedAt + renewPauseMs);
  return dueAt > moment.now ? dueAt : 'renew';
}

/** Without strikes on the host nothing waits. */
function attemptAt(id: ResourceId, { needs, facts, moment }: IdentityCase): number {
  if (facts.strikes.size === 0) return 0;
  const standing = standingOf(id, facts, (one) => needs.claimants(one));
  return attemptDueAt(standing, facts, moment.now);
}

/** For an identity that MIC attached and no pod on this host needs. */
function judgeIdle(id: ResourceId, given: IdentityCase): IdentityChange {
  const { facts, moment } = given;
  // Until a reading confirms it, another tool may have attached it.
  if (facts.ours.get(id)?.confirmed !== true) return 'leave';
  if (facts.present?.has(id) !== true || isProtected(id, given)) return 'leave';
  const graceEnd = (facts.idleSince.get(id) ?? moment.now) + moment.rules.detachGraceMs;
  const due = Math.max(graceEnd, facts.quarantined.get(id)?.until ?? 0);
  return due > moment.now ? due : 'detach';
}

function isProtected(id: ResourceId, { needs, facts, moment }: IdentityCase): boolean {
  if (needs.mayBeNeeded(id)) return true;
  const { immutableClientIds } = moment.rules;
  const present = facts.present?.get(id)?.clientId?.toLowerCase();
  return [present, ...needs.statedClientIds(id)].some(
    (clientId) => clientId && immutableClientIds.has(clientId),
  );
}

/** When the host is to be read (again); Infinity if it carries nothing that MIC needs or attached. */
function nextReading({ granted }: HostNeeds, facts: HostFacts, { rules }: Moment): number {
  const { ours, renewing, unapplied } = facts;
  if (granted.size + ours.size + renewing.size + unapplied.size === 0) return Infinity;
  if (facts.present === undefined || facts.readAt === undefined) return 0;
  if (facts.failed !== true && listedUnapplied(facts).length > 0)
    return facts.readAt + updateReadMs(facts, facts.readAt);
  return facts.readAt + rules.driftPeriodMs * (1 - stagger(facts.host.id));
}

/** 0 to 0.2, constant for each host: spreads later reads of hosts that were read together at the start. */
function stagger(id: ResourceId): number {
  let hash = 0;
  for (let position = 0; position < id.length; position += 1)
    hash = (hash * 31 + id.charCodeAt(position)) % 1000;
  return hash / 5000;
}
