import type { StartupView } from '../apply/startup-taints.ts';
import type { AgentWatch } from '../snapshot/watch/agent-watch.ts';
import type { ClusterWatch } from '../snapshot/watch/cluster-watch.ts';

type Nodes = Pick<ClusterWatch, 'onNode' | 'taintedNode' | 'taintedNodes'>;

/** The start-up taint depends on nodes and NMI's pods; on those of the canary only if they are given. */
export function startupViewOf(nodes: Nodes, agents: AgentWatch, canaries?: AgentWatch): StartupView {
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
