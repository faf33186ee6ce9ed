// Which state a step may be written in by now. Pure: the facts and the time come in.
import type { ResourceId } from '@pod-identity/crd-types';
import { saysAssigned } from '../plan/diff.ts';
import type { AssignmentStep, HostPlan } from '../plan/types.ts';
import type { HostFacts, Quarantine } from '../snapshot/facts/facts.ts';
import { isCarried } from '../snapshot/facts/host-facts.ts';
import { nextAttemptAt } from '../snapshot/facts/strikes.ts';

/** Why an object is written as Created: for the waiting pod's Event. */
export type Waiting =
  | { readonly why: 'rejected'; readonly quarantine: Quarantine }
  | { readonly why: 'host'; readonly message: string }
  | { readonly why: 'late' };

export type Readiness =
  | { readonly kind: 'assigned' }
  | { readonly kind: 'created'; readonly waiting: Waiting }
  /** Its identity is on the way: one write instead of two, if it arrives before `until`. */
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

export function readinessOf(step: Step, moment: StepMoment): Readiness {
  const { resourceId } = step.assignment;
  if (resourceId === undefined || isUsable(resourceId, step, moment)) return { kind: 'assigned' };
  const waiting = hopeless(resourceId, moment) ?? outOfTurns(step, moment);
  if (waiting) return { kind: 'created', waiting };
  const until = (moment.heldSince ?? moment.now) + moment.recordAfterMs;
  return moment.now < until ? { kind: 'hold', until } : { kind: 'created', waiting: { why: 'late' } };
}

/** On the host, alive, and neither about to be renewed nor about to go. */
function isUsable(id: ResourceId, step: Step, { plan, facts, leaving }: StepMoment): boolean {
  if (plan.renew.includes(id) || leaving.has(id)) return false;
  return facts?.present === undefined ? wasAssigned(id, step) : isCarried(facts, id);
}

/** As long as the host was not read, an object that said so before is believed: a running pod keeps its identity. */
function wasAssigned(id: ResourceId, step: Step): boolean {
  if (step.kind === 'create') return false;
  const { resourceId, nodeName } = step.current;
  return resourceId === id && nodeName === step.assignment.pod.nodeName && saysAssigned(step.current);
}

/** Its namespace has used up what it may have refused: it is tried later, and the pod is told so. */
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

/** What makes it pointless to hold the object back: it is known already that the identity won't come soon. */
function hopeless(id: ResourceId, { plan, facts, now, recordAfterMs }: StepMoment): Waiting | undefined {
  const quarantine = facts?.quarantined.get(id);
  if (quarantine && quarantine.until > now) return { why: 'rejected', quarantine };
  const message = facts?.lastFailure?.message ?? failedUpdate(id, facts);
  if (message !== undefined) return { why: 'host', message };
  if ((plan.notBefore ?? 0) > now + recordAfterMs)
    return { why: 'host', message: 'Azure asked to be left alone for a while' };
  return undefined;
}
