// Whether a node may lose its start-up taint: whether NMI of that node answers for it.
import type { AgentView, TaintedNode } from '../snapshot/views.ts';

export type StartupVerdict =
  | { readonly kind: 'remove'; readonly agent: string }
  /** `stale`: a ready pod that may have been ready for an earlier Node object of this name only. */
  | { readonly kind: 'keep'; readonly why: 'no-agent' | 'not-ready' | 'stale'; readonly agent?: string };

/**
 * A node may have been registered again under the name of an earlier one, whose pods are still in the API server with the
 * statuses of that time. So the pod must have been created after the Node object (both times are the API server's), or have
 * become ready after it (by the clock of the node, the best there is for a pod that a kubelet took over).
 */
export function judgeStartup(node: TaintedNode, agents: readonly AgentView[]): StartupVerdict {
  const here = agents.filter((agent) => agent.nodeName === node.name && !agent.ending);
  const ready = here.filter(({ readyAt }) => readyAt !== undefined);
  const proven = ready.find(
    ({ createdAt, readyAt = 0 }) => createdAt >= node.createdAt || readyAt > node.createdAt,
  );
  if (proven) return { kind: 'remove', agent: proven.name };
  const [stale] = ready;
  if (stale) return { kind: 'keep', why: 'stale', agent: stale.name };
  return { kind: 'keep', why: here.length > 0 ? 'not-ready' : 'no-agent' };
}
