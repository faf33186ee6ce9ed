import type { KubeAmbient, LeaderTerm } from '@pod-identity/kit/kube';
import { keepStartupTaints } from '../apply/startup-taints.ts';
import type { AgentWatch } from '../snapshot/watch/agent-watch.ts';
import type { ClusterWatch } from '../snapshot/watch/cluster-watch.ts';

/** The writes of `transport` are fenced by the lease. */
export interface StartupTaintLoop extends KubeAmbient {
  readonly key: string | undefined;
  readonly nodes: Pick<ClusterWatch, 'onNode' | 'taintedNode' | 'taintedNodes'>;
  readonly agents: AgentWatch | undefined;
  readonly term: LeaderTerm;
}

/** Removes start-up taints until the term ends; without a key or a watch of NMI's pods no node is changed. */
export async function loopOverStartupTaints(options: StartupTaintLoop): Promise<void> {
  const { key, nodes, agents, log } = options;
  if (key === undefined || agents === undefined) return;
  const view = {
    tainted: () => nodes.taintedNodes(),
    taintedNode: (name: string) => nodes.taintedNode(name),
    agentsOn: (node: string) => agents.on(node),
    onChange(listener: (node: string) => void) {
      const ends = [nodes.onNode(listener), agents.onChange(listener)];
      return () => ends.forEach((end) => end());
    },
  };
  await keepStartupTaints({ ...options, key, view }).catch((error: unknown) =>
    log.error({ error }, 'start-up taints are not looked after in this term'),
  );
}
