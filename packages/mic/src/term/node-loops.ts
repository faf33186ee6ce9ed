import type { LeaderTerm, KubeAmbient } from '@pod-identity/kit/kube';
import { keepStartupTaints, type StartupView } from '../apply/startup-taints.ts';
import type { AgentWatch, NodePods } from '../snapshot/watch/agent-watch.ts';
import type { ClusterWatch } from '../snapshot/watch/cluster-watch.ts';
import type { Publisher } from '../tell/publisher.ts';
import { keepCanaryReports } from './canary-reports.ts';
import type { MicSettings } from './settings.ts';

/** The writes of `transport` are fenced by the lease. */
export interface NodeLoopsOptions extends KubeAmbient {
  readonly settings: Pick<MicSettings, 'startupTaint' | 'canary'>;
  readonly view: Pick<ClusterWatch, 'onNode' | 'taintedNode' | 'taintedNodes'>;
  readonly pods: NodePods;
  readonly publisher: Publisher;
  readonly term: LeaderTerm;
}

/** The loops of a term that are about nodes: start-up taints, and reports about canaries. */
export async function startNodeLoops(options: NodeLoopsOptions): Promise<void> {
  await Promise.all([keepTaints(options), keepReports(options)]);
}

async function keepTaints({ settings, pods, view, log, ...options }: NodeLoopsOptions): Promise<void> {
  const { startupTaint } = settings;
  if (startupTaint === undefined || pods.agents === undefined) return;
  const { key, waitsFor } = startupTaint;
  const canaries = waitsFor === 'canary' ? pods.canaries : undefined;
  const startupView = startupViewOf(view, pods.agents, canaries);
  await keepStartupTaints({ ...options, log, key, view: startupView }).catch((error: unknown) =>
    log.error({ error }, 'start-up taints are not looked after in this term'),
  );
}

/** The start-up taint depends on nodes and NMI's pods; on those of the canary only if they are given. */
function startupViewOf(
  nodes: NodeLoopsOptions['view'],
  agents: AgentWatch,
  canaries: AgentWatch | undefined,
): StartupView {
  return {
    tainted: () => nodes.taintedNodes(),
    taintedNode: (name) => nodes.taintedNode(name),
    agentsOn: (node) => agents.on(node),
    canariesOn: (node) => canaries?.on(node),
    onChange(listener) {
      const pods = canaries ? [agents, canaries] : [agents];
      const ends = [nodes.onNode(listener), ...pods.map((watch) => watch.onChange(listener))];
      return () => ends.forEach((end) => end());
    },
  };
}

async function keepReports({ settings, view, log, ...options }: NodeLoopsOptions): Promise<void> {
  const { canary: daemonSet, startupTaint } = settings;
  if (daemonSet === undefined) return;
  const keepsTaint = (node: string) =>
    startupTaint?.waitsFor === 'canary' && view.taintedNode(node) !== undefined;
  await keepCanaryReports({ ...options, daemonSet, keepsTaint }).catch((error: unknown) =>
    log.error({ error }, 'canaries are not reported in this term'),
  );
}
