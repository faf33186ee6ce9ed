// Room: what runs while this process leads: built at the start of a term, stopped at its end.
// It must not know the client of Azure, or read arguments or the environment.
import type { ResourceId } from '@pod-identity/crd-types';
import type { LeaderTerm } from '@pod-identity/kit/kube';
import type { Metrics } from '@pod-identity/kit/serve';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import type { ClusterWatch } from '../snapshot/watch/cluster-watch.ts';
import type { WatchingParts } from './parts.ts';
import { showRights } from './rights.ts';
import { createSweeper } from './sweeper.ts';
import type { Meter } from '../tell/meter.ts';
import type { MicMetricSpecs } from '../tell/metrics.ts';

export type Controller = ReturnType<typeof createController>;

export interface Term {
  /** Resolves when the term is over and no request of it is running. */
  readonly ended: Promise<void>;
  depth(): { readonly objects: number; readonly azure: number };
  readonly facts: ReadonlyMap<ResourceId, HostFacts>;
  readonly meter: Meter;
}

interface ControllerOptions extends WatchingParts {
  /** Resolves to undefined if the term ended before the first decision. */
  readonly startTerm: (term: LeaderTerm) => Promise<Term | undefined>;
}

export function createController(options: ControllerOptions) {
  const { view, index, agents, rights, log, metrics, startTerm } = options;
  let current: Term | undefined;
  // Without a term changes are not used and would accumulate; a term begins with all hosts.
  const discard = () => {
    for (const host of [...index.dirtyHosts()]) index.takeDirty(host);
  };
  const createStandby = () => createSweeper({ ...options, onSweep: discard });
  /** Evaluates pods outside terms too, so that a term begins at once. A term has a sweeper of its own. */
  let standby: ReturnType<typeof createStandby> | undefined = createStandby();
  view.onChange(() => standby?.sweepSoon());

  return {
    view,
    index,
    /** The current term, if any. */
    get term() {
      return current;
    },
    /** Runs the watches, leader or not, so that a new leader starts with a warm view. */
    run: async (signal: AbortSignal) => {
      signal.addEventListener('abort', () => standby?.stop(), { once: true });
      // No identity waits for the watch of NMI's pods.
      await Promise.all([view.run(signal), agents?.run(signal), rights.proof.run(signal)]);
    },

    /** Runs one term, for the elector. Settles when no request of it is running. */
    async lead(term: LeaderTerm) {
      metrics.count('elections');
      standby?.stop();
      standby = undefined;
      try {
        current = await startTerm(term);
        await current?.ended;
      } finally {
        standby = createStandby();
        current = undefined;
        log.info({}, 'lost leadership');
      }
    },

    /** Why this process cannot work as configured; undefined if it can. */
    get problem() {
      return rights.mode === 'rbac' ? rights.proof.problem : undefined;
    },

    /** Updates the gauges, right before they are read. */
    refreshGauges: () => refreshGauges(options, current),
  };
}

function refreshGauges(
  { view, rights, metrics }: Pick<ControllerOptions, 'view' | 'rights' | 'metrics'>,
  term: Term | undefined,
): void {
  showRights(rights, metrics);
  metrics.set('leader', term ? 1 : 0);
  for (const [kind, ms] of view.ages())
    metrics.set('watchAgeSeconds', Number.isFinite(ms) ? ms / 1000 : -1, { kind });
  for (const [kind, count] of view.fullNamespaces()) metrics.set('fullNamespaces', count, { kind });
  showCoverage(view, metrics);
  const depth = term?.depth() ?? { objects: 0, azure: 0 };
  for (const lane of ['objects', 'azure'] as const) metrics.set('queueDepth', depth[lane], { lane });
  if (term) term.meter.hosts(term.facts.values());
  // Facts that a former leader had about hosts do not count.
  else for (const key of ['throttledHosts', 'throttledUntil', 'quarantined'] as const) metrics.set(key, 0);
}

function showCoverage(
  view: Pick<ClusterWatch, 'coverage' | 'labelsLeftOut'>,
  metrics: Metrics<MicMetricSpecs>,
): void {
  metrics.set('labelsLeftOut', view.labelsLeftOut());
  const coverage = view.coverage();
  for (const watch of ['namespace', 'cluster', 'none'] as const)
    metrics.set('wholeNamespaces', coverage[watch], { watch });
}
