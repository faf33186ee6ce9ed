// MIC without a process around it: the watches, and what a term of leadership does with them. Everything that reaches
// outside comes in, so that tests run the whole of it against the simulator.
import type { Host, ResourceId } from '@pod-identity/crd-types';
import type { LeaderTerm } from '@pod-identity/kit/kube';
import type { ControllerDeps } from './deps.ts';
import { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import { createAgentView } from '../snapshot/watch/agent-view.ts';
import { createClusterView, type ClusterView } from '../snapshot/watch/cluster-view.ts';
import { startTerm, type Term } from './term.ts';

export type { ControllerDeps, ControllerSettings } from './deps.ts';

export interface Controller {
  /** Keeps the watches alive, leader or not, so that a new leader starts with a warm view. */
  run(signal: AbortSignal): Promise<void>;
  /** One term: to be given to the elector. Settles once nothing of it is on its way any more. */
  lead(term: LeaderTerm): Promise<void>;
  readonly view: ClusterView;
  readonly index: ClusterIndex;
  /** The term that is being led, if any. */
  readonly term: Term | undefined;
  /** Brings the gauges up to date, right before they are shown. */
  refreshGauges(): void;
}

export function startController(deps: ControllerDeps): Controller {
  const { transport, clock, random, metrics, settings } = deps;
  const index = new ClusterIndex({ forceNamespaced: settings.forceNamespaced });
  const { startupTaint: startup } = settings;
  const common = { transport, clock, random, log: deps.log };
  const view = createClusterView({ ...common, ...shareOf(settings), index, startupTaint: startup?.key });
  const agents = startup && createAgentView({ ...common, ...startup });
  let current: Term | undefined;
  let isLeading = false;
  // Without a term nobody looks at what has changed, and it would pile up; a term begins by looking at everything.
  view.onChange(() => {
    if (!isLeading) for (const host of [...index.dirtyHosts()]) index.takeDirty(host);
  });

  return {
    view,
    index,
    get term() {
      return current;
    },
    run: async (signal) => {
      // Of what NMI's pods tell only the start-up taint depends: nothing else waits for that watch.
      await Promise.all([view.run(signal), agents?.run(signal)]);
    },

    async lead(term) {
      metrics.count('elections');
      isLeading = true;
      try {
        current = await startTerm(deps, { term, view, index, agents });
        if (current) void preflight(deps, index, term);
        await current?.ended;
      } finally {
        isLeading = false;
        current = undefined;
        deps.log.info({}, 'lost leadership');
      }
    },

    refreshGauges() {
      metrics.set('leader', current ? 1 : 0);
      for (const [kind, ms] of view.ages())
        metrics.set('watchAgeSeconds', Number.isFinite(ms) ? ms / 1000 : -1, { kind });
      const depth = current?.depth() ?? { objects: 0, azure: 0 };
      for (const lane of ['objects', 'azure'] as const) metrics.set('queueDepth', depth[lane], { lane });
      current?.meter.hosts(current.facts.values());
    },
  };
}

async function preflight(deps: ControllerDeps, index: ClusterIndex, { signal }: LeaderTerm) {
  try {
    await deps.preflight?.({ ...whatIsNeeded(index), signal });
  } catch (error) {
    // Nothing depends on it: what is not allowed will be said again by whoever refuses it.
    if (!signal.aborted) deps.log.warn({ why: String(error) }, "MIC's own roles could not be checked");
  }
}

function whatIsNeeded(index: ClusterIndex): { hosts: readonly Host[]; identities: readonly ResourceId[] } {
  const hosts = [...index.hosts()].filter(({ id }) => index.need(id).size > 0);
  return { hosts, identities: [...new Set(hosts.flatMap(({ id }) => [...index.need(id).keys()]))] };
}

const shareOf = ({ namespaceShareBytes }: ControllerDeps['settings']) => ({ namespaceShareBytes });
