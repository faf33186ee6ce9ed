// Records metrics. Never fails.
import type { ResourceId } from '@pod-identity/crd-types';
import type { Metrics } from '@pod-identity/kit/serve';
import type { StepResult } from '../apply/apply-assignments.ts';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import { keyOf } from '../snapshot/keys.ts';
import type { PodView } from '../snapshot/views.ts';
import type { MicMetricSpecs } from './metrics.ts';

export type Meter = ReturnType<typeof createMeter>;

export function createMeter(metrics: Metrics<MicMetricSpecs>, now: () => number) {
  const seenAt = new Map<string, number>();

  const assigned = ({ step, state }: StepResult) => {
    if (step.kind === 'delete' || state !== 'Assigned') return;
    const { pod } = step.assignment;
    const key = keyOf(pod);
    const since = seenAt.get(key);
    // If the term began later, the start of the wait is unknown.
    if (since !== undefined) metrics.observe('assignSeconds', (now() - since) / 1000);
    seenAt.delete(key);
  };

  return {
    /** A pod of the watch; undefined if deleted. Its wait starts when it has a node. */
    pod(key: string, pod: PodView | undefined, isAssigned: boolean) {
      if (!pod || pod.finished || isAssigned) seenAt.delete(key);
      else if (pod.nodeName !== '' && !seenAt.has(key)) seenAt.set(key, now());
    },
    step(result: StepResult) {
      const { count, duration, operation } = series[result.step.kind];
      if (result.outcome.kind === 'failed') metrics.count('kubeErrors', { operation_type: operation });
      if (result.outcome.kind !== 'written' && result.outcome.kind !== 'removed') return;
      metrics.count(count);
      metrics.observe(duration, result.ms / 1000);
      assigned(result);
    },
    pass(ms: number) {
      metrics.count('cycles');
      metrics.observe('cycleSeconds', ms / 1000);
    },
    hosts(facts: Iterable<HostFacts>) {
      const { throttled, until, quarantined } = censusOf(facts, now());
      metrics.set('throttledHosts', throttled);
      metrics.set('throttledUntil', until / 1000);
      metrics.set('quarantined', quarantined);
    },
  };
}

function censusOf(facts: Iterable<HostFacts>, now: number) {
  const identities = new Set<ResourceId>();
  let throttled = 0;
  let until = 0;
  for (const { notBefore, quarantined } of facts) {
    for (const [id, quarantine] of quarantined) if (quarantine.until > now) identities.add(id);
    if (notBefore <= now) continue;
    throttled += 1;
    until = Math.max(until, notBefore);
  }
  return { throttled, until, quarantined: identities.size };
}

/** By kind of step; errors are counted by operation. */
const series = {
  create: { count: 'additions', duration: 'additionSeconds', operation: 'assigned_identity_addition' },
  update: { count: 'updates', duration: 'updateSeconds', operation: 'assigned_identity_update' },
  confirm: {
    count: 'updates',
    duration: 'updateSeconds',
    operation: 'update_azure_assigned_identity_status',
  },
  delete: { count: 'deletions', duration: 'deletionSeconds', operation: 'assigned_identity_deletion' },
} as const;
