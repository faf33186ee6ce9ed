// Whether a node may lose its start-up taint: NMI on that node must be ready, and its canary if the taint waits for that.
import type { AgentView, TaintedNode } from '../snapshot/views.ts';

/** `stale`: the pod is ready, but possibly only for an earlier Node object of this name. */
type KeepReason = 'no-agent' | 'not-ready' | 'stale' | 'no-canary' | 'canary-not-ready' | 'canary-stale';

export type StartupVerdict =
  | { readonly kind: 'remove'; readonly agent: string; readonly canary?: string }
  /** `pod` is the one that is stale. */
  | { readonly kind: 'keep'; readonly why: KeepReason; readonly pod?: string };

/** `canaries` is undefined if the taint does not wait for them. */
export function judgeStartup(
  node: TaintedNode,
  agents: readonly AgentView[],
  canaries?: readonly AgentView[],
): StartupVerdict {
  const agent = proofOf(node, agents);
  if (agent.kind !== 'ready')
    return keep(agent, { absent: 'no-agent', unready: 'not-ready', stale: 'stale' });
  if (canaries === undefined) return { kind: 'remove', agent: agent.pod };
  const canary = proofOf(node, canaries);
  return canary.kind === 'ready'
    ? { kind: 'remove', agent: agent.pod, canary: canary.pod }
    : keep(canary, { absent: 'no-canary', unready: 'canary-not-ready', stale: 'canary-stale' });
}

type Unproven = { readonly kind: 'absent' | 'unready' } | { readonly kind: 'stale'; readonly pod: string };
type Proof = { readonly kind: 'ready'; readonly pod: string } | Unproven;

function keep(proof: Unproven, whys: Readonly<Record<Unproven['kind'], KeepReason>>): StartupVerdict {
  return { kind: 'keep', why: whys[proof.kind], ...('pod' in proof && { pod: proof.pod }) };
}

/**
 * A node can register again under the name of an earlier one, whose pods are still in the API server with their old statuses. So
 * the pod must have been created after the Node object (both times are the API server's), or have become ready after it (by the
 * clock of the node, the best available for a pod that a kubelet took over).
 */
function proofOf(node: TaintedNode, pods: readonly AgentView[]): Proof {
  const here = pods.filter((pod) => pod.nodeName === node.name && !pod.ending);
  const ready = here.filter(({ readyAt }) => readyAt !== undefined);
  const proven = ready.find(
    ({ createdAt, readyAt = 0 }) => createdAt >= node.createdAt || readyAt > node.createdAt,
  );
  if (proven) return { kind: 'ready', pod: proven.name };
  const [stale] = ready;
  if (stale) return { kind: 'stale', pod: stale.name };
  return { kind: here.length > 0 ? 'unready' : 'absent' };
}
