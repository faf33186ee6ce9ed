// What one host should carry, against what it carries. Attaching wins over detaching; what is not MIC's own is never
// taken away; what ARM has refused waits for its time.
import type { ResourceId } from '@pod-identity/crd-types';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import { isCarried, settledAt } from '../snapshot/facts/host-facts.ts';
import { listedUnapplied, updateReadMs } from '../snapshot/facts/unapplied.ts';
import { attemptDueAt, standingOf } from './standing.ts';
import type { HostPlan, PlanRules } from './types.ts';

/** What the cluster says about the host. */
export interface HostNeeds {
  readonly needed: { has(id: ResourceId): boolean };
  /** What of it may be attached. The rest is only not to be detached: whether a pod may use it is not known. */
  readonly granted: { keys(): Iterable<ResourceId>; readonly size: number };
  /** The client ids (lower case) that AzureIdentities state for a resource; undefined for one that states none. */
  statedClientIds(id: ResourceId): readonly (string | undefined)[];
  /** The namespaces of those AzureIdentities. */
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

/** An entry that is as dead after it was renewed as it was before is left alone for this long. */
const renewPauseMs = 3_600_000;

/** What should happen to one identity: a change now, or (a number) a change no sooner than then. */
type Verdict = 'attach' | 'again' | 'renew' | 'detach' | 'leave' | number;

export interface Judged {
  readonly changes: HostChanges;
  /** The same needs and facts come to the same changes until then. */
  readonly until: number;
}

export function planIdentities(needs: HostNeeds, facts: HostFacts, moment: Moment): Judged {
  const { now } = moment;
  const question = { needs, facts, moment };
  const idle = [...facts.ours.keys()].filter((id) => !needs.needed.has(id));
  // What was taken off others' list in order to be put back is put back, whoever needs it by now.
  const wanted = new Set([...needs.granted.keys(), ...takenOff(facts)]);
  const verdicts: [ResourceId, Verdict][] = [
    ...Array.from(wanted, (id): [ResourceId, Verdict] => [id, judgeWanted(id, question)]),
    ...idle.map((id): [ResourceId, Verdict] => [id, judgeIdle(id, question)]),
  ];
  const idsTo = (change: Verdict) =>
    verdicts.flatMap(([id, verdict]) => (verdict === change ? id : [])).sort();
  const [attach, renew, detach] = [idsTo('attach'), idsTo('renew'), idsTo('detach')];
  const again = idsTo('again');
  const readAt = nextReading(needs, facts, moment);
  const read = readAt <= now;
  const later = verdicts.flatMap(([, verdict]) => (typeof verdict === 'number' ? verdict : []));
  // A host that nobody needs is looked at once more, to clear its record away.
  if (readAt === Infinity) later.push(settledAt(facts));
  const next = Math.min(...later, read ? Infinity : readAt);
  const isDue = read || attach.length + again.length + renew.length + detach.length > 0;
  const { notBefore } = facts;
  const changed = { attach, ...(again.length > 0 && { again }), renew, detach };
  return {
    changes: { ...changed, read, ...wake(next, { isDue, now, notBefore }) },
    until: notBefore > now ? Math.min(next, notBefore) : next,
  };
}

/** What is due but held back is due again at the end of that; nothing is due before. */
function wake(
  next: number,
  { isDue, now, notBefore }: { readonly isDue: boolean; readonly now: number; readonly notBefore: number },
): Pick<HostChanges, 'wakeAt' | 'notBefore'> {
  const isHeld = notBefore > now;
  const at = isHeld && isDue ? notBefore : Math.max(next, notBefore);
  return { ...(at !== Infinity && { wakeAt: at }), ...(isHeld && { notBefore }) };
}

interface Question {
  readonly needs: HostNeeds;
  readonly facts: HostFacts;
  readonly moment: Moment;
}

function takenOff(facts: HostFacts): ResourceId[] {
  const { present, renewing, ours } = facts;
  if (present === undefined) return [];
  const missing = [...renewing.keys()].filter((id) => !present.has(id));
  return [...missing, ...listedUnapplied(facts).filter((id) => !ours.has(id))];
}

/**
 * A living entry stays unchanged, whatever objects in Kubernetes say of it: anybody who may write an AzureIdentity can name
 * any client id. Azure itself says which entries are dead; they are no use to anybody, and a pod waits for this one.
 */
function judgeWanted(id: ResourceId, question: Question): Verdict {
  const { facts, moment } = question;
  if (isCarried(facts, id)) return 'leave';
  const allowedAt = Math.max(facts.quarantined.get(id)?.until ?? 0, attemptAt(id, question));
  const soonest = (change: Verdict) => (allowedAt > moment.now ? allowedAt : change);
  if (facts.present?.has(id) !== true) return soonest('attach');
  // Only what MIC itself has sent: that a host is Failed for other reasons is no reason to send anything.
  if (facts.unapplied.has(id)) return facts.failed ? soonest('again') : 'leave';
  const renewedAt = facts.renewedAt.get(id);
  const dueAt = Math.max(allowedAt, renewedAt === undefined ? 0 : renewedAt + renewPauseMs);
  return dueAt > moment.now ? dueAt : 'renew';
}

/** On a host where no namespace has a strike nobody waits, whoever names the id. */
function attemptAt(id: ResourceId, { needs, facts, moment }: Question): number {
  if (facts.strikes.size === 0) return 0;
  const standing = standingOf(id, facts, (one) => needs.claimants(one));
  return attemptDueAt(standing, facts, moment.now);
}

/** MIC's own, and needed by nobody on this host. */
function judgeIdle(id: ResourceId, question: Question): Verdict {
  const { facts, moment } = question;
  // As long as no reading has confirmed it, it may be somebody else's.
  if (facts.ours.get(id)?.confirmed !== true) return 'leave';
  if (facts.present?.has(id) !== true || isProtected(id, question)) return 'leave';
  const graceEnd = (facts.idleSince.get(id) ?? moment.now) + moment.rules.detachGraceMs;
  const due = Math.max(graceEnd, facts.quarantined.get(id)?.until ?? 0);
  return due > moment.now ? due : 'detach';
}

function isProtected(id: ResourceId, { needs, facts, moment }: Question): boolean {
  const { immutableClientIds } = moment.rules;
  const present = facts.present?.get(id)?.clientId?.toLowerCase();
  return [present, ...needs.statedClientIds(id)].some(
    (clientId) => clientId && immutableClientIds.has(clientId),
  );
}

/** When the host is to be read (again); never one that carries nothing that concerns us. */
function nextReading({ granted }: HostNeeds, facts: HostFacts, { rules }: Moment): number {
  const { ours, renewing, unapplied } = facts;
  if (granted.size + ours.size + renewing.size + unapplied.size === 0) return Infinity;
  if (facts.present === undefined || facts.readAt === undefined) return 0;
  if (facts.failed !== true && listedUnapplied(facts).length > 0)
    return facts.readAt + updateReadMs(facts, facts.readAt);
  return facts.readAt + rules.driftPeriodMs * (1 - stagger(facts.host.id));
}

/** 0 to 0.2, the same for a host at all times: hosts that were read together at the start drift apart. */
function stagger(id: ResourceId): number {
  let hash = 0;
  for (let position = 0; position < id.length; position += 1)
    hash = (hash * 31 + id.charCodeAt(position)) % 1000;
  return hash / 5000;
}
