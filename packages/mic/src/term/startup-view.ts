import type { StartupView } from '../apply/startup-taints.ts';
import type { AgentViewSource } from '../snapshot/watch/agent-view.ts';
import type { ClusterView } from '../snapshot/watch/cluster-view.ts';

type Nodes = Pick<ClusterView, 'onNode' | 'taintedNode' | 'taintedNodes'>;

/** Nodes and NMI's pods, as the start-up taint is decided by both. */
export function startupViewOf(nodes: Nodes, agents: AgentViewSource): StartupView {
  return {
    tainted: () => nodes.taintedNodes(),
    taintedNode: (name) => nodes.taintedNode(name),
    agentsOn: (node) => agents.on(node),
    onChange(listener) {
      const ends = [nodes.onNode(listener), agents.onChange(listener)];
      return () => ends.forEach((end) => end());
    },
  };
}
