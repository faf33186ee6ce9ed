// Whether a node may lose its start-up taint: NMI on that node must be ready.
import type { AgentView, TaintedNode } from '../snapshot/views.ts';

export type StartupVerdict =
  | { readonly kind: 'remove'; readonly agent: string }
  | { readonly kind: 'keep'; readonly why: 'no-agent' | 'not-ready' }
  /** The pod is ready, but possibly only for an earlier Node object of this name. */
  | { readonly kind: 'keep'; readonly why: 'stale'; readonly pod: string };

/**
 * A node can register again under the name of an earlier one, whose pods are still in the API server with their old statuses. So
 * the pod must have been created after the Node object (both times are the API server's), or have become ready after it (by the
 * clock of the node, the best available for a pod that a kubelet took over).
 */
export function judgeStartup(node: TaintedNode, agents: readonly AgentView[]): StartupVerdict {
  const here = agents.filter((pod) => pod.nodeName === node.name && !pod.ending);
  const ready = here.filter(({ readyAt }) => readyAt !== undefined);
  const proven = ready.find(
    ({ createdAt, readyAt = 0 }) => createdAt >= node.createdAt || readyAt > node.createdAt,
  );
  if (proven) return { kind: 'remove', agent: proven.name };
  const [stale] = ready;
  if (stale) return { kind: 'keep', why: 'stale', pod: stale.name };
  return { kind: 'keep', why: here.length > 0 ? 'not-ready' : 'no-agent' };
}
