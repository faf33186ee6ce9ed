import type { StartupView } from '../apply/startup-taints.ts';
import type { AgentWatch } from '../snapshot/watch/agent-watch.ts';
import type { ClusterWatch } from '../snapshot/watch/cluster-watch.ts';

type Nodes = Pick<ClusterWatch, 'onNode' | 'taintedNode' | 'taintedNodes'>;

/** The start-up taint depends on nodes and NMI's pods. */
export function startupViewOf(nodes: Nodes, agents: AgentWatch): StartupView {
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
