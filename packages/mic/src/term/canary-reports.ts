import { createBudgets, type Clock } from '@pod-identity/kit/core';
import type { LeaderTerm } from '@pod-identity/kit/kube';
import type { MicMetricSpecs } from '../tell/metrics.ts';
import type { Metrics } from '@pod-identity/kit/serve';
import {
  canaryStates,
  countCanaries,
  dueCanaries,
  foldCanaries,
  sightCanaries,
  type CanarySightings,
  type CanaryMemories,
} from '../plan/canary.ts';
import type { DaemonSetName } from '../snapshot/startup-views.ts';
import type { NodePods } from '../snapshot/watch/agent-watch.ts';
import { reportCanary } from '../tell/canary.ts';
import type { Publisher } from '../tell/publisher.ts';

type Watched = Pick<NodePods, 'agents' | 'canaries'>;

export interface CanaryReportsOptions {
  readonly pods: Watched;
  readonly daemonSet: DaemonSetName;
  /** Whether the node has a start-up taint that waits for its canary. */
  readonly keepsTaint: (node: string) => boolean;
  readonly publisher: Pick<Publisher, 'publish'>;
  readonly term: LeaderTerm;
  readonly clock: Clock;
}

const lookMs = 5_000;
/** When the canaries of all nodes fail at once; the others follow. */
const reports = { burst: 50, perSecond: 1 };

/** Reports canaries that are missing or not ready for a while, and when they are ready again, until the term ends. */
export async function keepCanaryReports(options: CanaryReportsOptions): Promise<void> {
  const { pods, term, clock } = options;
  const report = createReporter(options);
  let standings: CanaryMemories = new Map();
  while (!term.signal.aborted) {
    const sightings = sightingsOf(pods);
    if (sightings) standings = report(standings, sightings);
    await clock.sleep(lookMs, term.signal).catch(() => undefined);
  }
}

function createReporter({ daemonSet, keepsTaint, publisher, clock }: CanaryReportsOptions) {
  const budgets = createBudgets(reports);
  return (before: CanaryMemories, sightings: CanarySightings): CanaryMemories => {
    const now = clock.elapsed();
    const standings = foldCanaries(before, sightings, now);
    const reported = new Map(standings);
    for (const sighting of dueCanaries(standings, sightings, now)) {
      const { node, state } = sighting;
      if (!budgets.take('', now)) break;
      publisher.publish(reportCanary(sighting, { daemonSet, keepsTaint: keepsTaint(node) }));
      reported.set(node, { ...standings.get(node), reported: state });
    }
    return reported;
  };
}

/** Undefined before both watches have listed: pods that are not listed yet look missing. */
function sightingsOf({ agents, canaries }: Watched): CanarySightings | undefined {
  if (!agents?.hasSynced() || !canaries?.hasSynced()) return undefined;
  return sightCanaries(agents.all(), canaries.all());
}

/** Counted by the leader alone, so that the sum over all MICs is right. */
export function showCanaries(pods: Watched, isLeading: boolean, metrics: Metrics<MicMetricSpecs>): void {
  if (pods.canaries === undefined) return;
  const sightings = isLeading ? sightingsOf(pods) : undefined;
  const counts = countCanaries(sightings ?? new Map());
  for (const state of canaryStates) metrics.set('canaries', counts[state], { state });
}
