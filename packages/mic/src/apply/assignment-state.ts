// The state in which a step may be written now. Pure.
import type { ResourceId } from '@pod-identity/crd-types';
import { saysAssigned } from '../plan/diff.ts';
import type { AssignmentStep, HostPlan } from '../plan/types.ts';
import type { HostFacts, Quarantine } from '../snapshot/facts/facts.ts';
import { isCarried } from '../snapshot/facts/host-facts.ts';
import { nextAttemptAt } from '../snapshot/facts/strikes.ts';
import type { WrittenState } from './assigned-object.ts';

/** Why an object is written as Created, for the Event of the waiting pod. */
export type Waiting =
  | { readonly why: 'rejected'; readonly quarantine: Quarantine }
  | { readonly why: 'host'; readonly message: string }
  | { readonly why: 'late' };

/** The write of a step, or the time until which it is held. */
export type Move =
  | { readonly kind: 'write'; readonly state: WrittenState | 'removed'; readonly waiting?: Waiting }
  /** The identity is being attached: one write instead of two if it arrives before `until`. */
  | { readonly kind: 'hold'; readonly until: number };

export interface StepMoment {
  readonly plan: HostPlan;
  readonly facts: HostFacts | undefined;
  readonly leaving: ReadonlySet<ResourceId>;
  readonly now: number;
  /** When the step was first held back. */
  readonly heldSince: number | undefined;
  readonly recordAfterMs: number;
}

type Step = Exclude<AssignmentStep, { kind: 'delete' }>;

export function moveOf(step: Step, moment: StepMoment): Move {
  const { resourceId } = step.assignment;
  if (resourceId === undefined || isUsable(resourceId, step, moment))
    return { kind: 'write', state: 'Assigned' };
  const until = (moment.heldSince ?? moment.now) + moment.recordAfterMs;
  const late = moment.now < until ? undefined : { why: 'late' as const };
  const waiting = hopeless(resourceId, moment) ?? outOfTurns(step, moment) ?? late;
  return waiting ? { kind: 'write', state: 'Created', waiting } : { kind: 'hold', until };
}

/** On the host, alive, and not about to be renewed or detached. */
function isUsable(id: ResourceId, step: Step, { plan, facts, leaving }: StepMoment): boolean {
  if (plan.renew.includes(id) || leaving.has(id)) return false;
  return facts?.present === undefined ? wasAssigned(id, step) : isCarried(facts, id);
}

/** Until the host is read, an existing Assigned object counts, so that a running pod keeps its identity. */
function wasAssigned(id: ResourceId, step: Step): boolean {
  if (step.kind === 'create') return false;
  const { resourceId, nodeName } = step.current;
  return resourceId === id && nodeName === step.assignment.pod.nodeName && saysAssigned(step.current);
}

/** The namespace has used up its budget of refusals: it is retried later, and the pod gets an Event. */
function outOfTurns({ assignment }: Step, { facts, now, recordAfterMs }: StepMoment): Waiting | undefined {
  const { namespace = '' } = assignment.identity.metadata;
  const at = facts ? nextAttemptAt(facts.strikes, namespace, now) : 0;
  if (at <= now + recordAfterMs) return undefined;
  const why = `Azure refused too many identities of namespace ${namespace} on this host`;
  return { why: 'host', message: `${why}; it is tried again in ${Math.ceil((at - now) / 1000)} s` };
}

function failedUpdate(id: ResourceId, facts: HostFacts | undefined): string | undefined {
  if (facts?.failed !== true || !facts.unapplied.has(id)) return undefined;
  return 'Azure accepted the update of the host and failed to carry it out; it is sent again';
}

/** Why holding the object is pointless: the identity will not be attached soon. */
function hopeless(id: ResourceId, { plan, facts, now, recordAfterMs }: StepMoment): Waiting | undefined {
  const quarantine = facts?.quarantined.get(id);
  if (quarantine && quarantine.until > now) return { why: 'rejected', quarantine };
  const message = facts?.lastFailure?.message ?? failedUpdate(id, facts);
  if (message !== undefined) return { why: 'host', message };
  if ((plan.notBefore ?? 0) > now + recordAfterMs)
    return { why: 'host', message: 'Azure asked to be left alone for a while' };
  return undefined;
}
