// Room: what should be done: from the index and the facts to a plan for one host, as a value.
// It must not do I/O, read a clock, or know the API server, the client of Azure or the words of Events.
import type { ResourceId } from '@pod-identity/crd-types';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import { createFacts, isCarried } from '../snapshot/facts/host-facts.ts';
import type { HostKey } from '../snapshot/index/host-groups.ts';
import { keyOf, namespaceOf, podOf } from '../snapshot/keys.ts';
import type { AssignedView, PodKey } from '../snapshot/views.ts';
import { decidePod } from './desired.ts';
import { diffPod, leftoverStep, type Wanted } from './diff.ts';
import { planIdentities, type HostNeeds } from './host-changes.ts';
import type { Known } from './records.ts';
import type { AssignmentStep, AzurePlan, HostPlan, PlanRules } from './types.ts';

export interface PlanMoment {
  /** Undefined for a host without facts, and for nodes without a host. */
  readonly facts: HostFacts | undefined;
  readonly now: number;
  readonly rules: PlanRules;
  readonly records: Known['records'];
  /** The pods to plan; all of the host if undefined. */
  readonly dirtyPods?: Iterable<PodKey>;
}

export function planHost(index: ClusterIndex, key: HostKey, moment: PlanMoment): HostPlan {
  // A host without nodes may still carry what MIC attached; its facts name it.
  const host = key === undefined ? undefined : (index.host(key) ?? moment.facts?.host);
  if (host === undefined) return hostless(stepsOn(index, key, { ...moment, isMissing: () => false }));
  const facts = moment.facts ?? createFacts(host);
  const changes = planIdentities(needsOf(index, host.id), facts, moment);
  const coming = new Set([...changes.attach, ...(changes.again ?? []), ...changes.renew]);
  const willCarry = (id: ResourceId) => coming.has(id) || isCarried(facts, id);
  const isMissing = (id: ResourceId) => facts.present !== undefined && !willCarry(id);
  const steps = stepsOn(index, key, { ...moment, isMissing }).filter((step) => canBeTaken(step, willCarry));
  return { host, ...changes, steps, needed: new Set(index.need(host.id).keys()) };
}

/** The part for Azure. */
export function planAzure(
  index: ClusterIndex,
  facts: HostFacts,
  moment: Pick<PlanMoment, 'now' | 'rules'>,
): AzurePlan {
  const { id } = facts.host;
  const changes = planIdentities(needsOf(index, id), facts, moment);
  return { host: index.host(id) ?? facts.host, ...changes, needed: new Set(index.need(id).keys()) };
}

function needsOf(index: ClusterIndex, host: ResourceId): HostNeeds {
  return {
    needed: index.need(host),
    granted: index.granted(host),
    mayBeNeeded: (id) => index.mayBeNeeded(id),
    statedClientIds: (id) =>
      Array.from(index.objects.identitiesFor(id), (key) => {
        const view = index.objects.identity(key);
        return view?.kind === 'valid' ? view.clientId : undefined;
      }),
    claimants: (id) => index.objects.claimants(id),
  };
}

/** The pod of a step: to be marked dirty again if the step was not taken. */
export function podKeyOf(step: AssignmentStep): PodKey {
  return step.kind === 'delete' ? podOf(step.current) : keyOf(step.assignment.pod);
}

/** The removal of objects that no pod needs. */
export function planRemoval(index: ClusterIndex, views: readonly AssignedView[]): HostPlan {
  return hostless(views.map((view) => leftoverStep(index, view)));
}

function hostless(steps: readonly AssignmentStep[]): HostPlan {
  return { host: undefined, attach: [], renew: [], detach: [], read: false, steps, needed: new Set() };
}

type PodsToPlan = Pick<PlanMoment, 'dirtyPods' | 'records'> & Pick<Wanted, 'isMissing'>;

function stepsOn(
  index: ClusterIndex,
  key: HostKey,
  { dirtyPods, records, isMissing }: PodsToPlan,
): AssignmentStep[] {
  const isDue = (pod: PodKey) =>
    (index.homeOf(pod) === key || !index.pod(pod)) && !index.unlisted.has(namespaceOf(pod));
  const here = [...new Set(dirtyPods ?? index.podKeysOn(key))].filter(isDue).sort();
  return here.flatMap((pod) => {
    const wanted = decidePod(index, pod, records);
    return diffPod(index, { ...wanted, current: records.of(pod), isMissing });
  });
}

/** An object that waits for an identity which the host will not get now is left unchanged, so that the plan has no step for it. */
function canBeTaken(step: AssignmentStep, willCarry: (id: ResourceId) => boolean): boolean {
  const id = step.kind === 'confirm' ? step.assignment.resourceId : undefined;
  return id === undefined || willCarry(id);
}
