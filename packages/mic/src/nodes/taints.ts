// Room: the start-up taint: removed from each node where NMI is ready, by the leader.
// It must not change anything else of a node.
import { createBackoff } from '@pod-identity/kit/core';
import {
  createNodeTaintDoor,
  KubeError,
  removeTaint,
  type KubeAmbient,
  type LeaderTerm,
} from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';
import type { AgentView, TaintedNode } from '../snapshot/views.ts';
import type { AgentWatch } from '../snapshot/watch/agent-watch.ts';
import type { ClusterWatch } from '../snapshot/watch/cluster-watch.ts';

/** The writes of `transport` are fenced by the lease. */
interface TaintsOptions extends KubeAmbient {
  readonly key: string;
  readonly nodes: Pick<ClusterWatch, 'onNode' | 'taintedNode' | 'taintedNodes'>;
  readonly agents: Pick<AgentWatch, 'on' | 'onChange'>;
  readonly term: LeaderTerm;
}

/** Runs until the term ends, one node at a time; resolves when no request is running. */
export async function keepStartupTaints(options: TaintsOptions): Promise<void> {
  const { nodes, agents, term, clock, random } = options;
  const attempt = createAttempt(options);
  const waiting = new Set<string>();
  let wake = Promise.withResolvers<undefined>();
  const concern = (node: string) => {
    waiting.add(node);
    wake.resolve(undefined);
  };
  const ends = [nodes.onNode(concern), agents.onChange(concern)];
  for (const { name } of nodes.taintedNodes()) concern(name);
  term.signal.addEventListener('abort', () => wake.resolve(undefined), { once: true });
  const patience = createBackoff({ baseMs: 1_000, capMs: 60_000, random });

  while (!isOver(term)) {
    await wake.promise;
    wake = Promise.withResolvers();
    const failed: string[] = [];
    for (const node of [...waiting]) {
      waiting.delete(node);
      if (!(await attempt(node))) failed.push(node);
    }
    if (failed.length === 0) patience.reset();
    else {
      await clock.sleep(patience.next(), term.signal).catch(() => undefined);
      failed.forEach(concern);
    }
  }
  for (const end of ends) end();
}

const isOver = (term: LeaderTerm) => term.signal.aborted || !term.holds();

/** One node: true if there is nothing to do until something changes. */
function createAttempt({ key, nodes, agents, transport, term, log }: TaintsOptions) {
  const reported = createReported(log);
  return async (name: string): Promise<boolean> => {
    const node = nodes.taintedNode(name);
    if (node === undefined || !term.holds()) return true;
    const verdict = judgeStartup(node, agents.on(name));
    if (verdict.kind === 'keep') {
      if (verdict.why === 'stale') reported.stale(node, verdict.pod);
      return true;
    }
    try {
      const door = createNodeTaintDoor(transport, name);
      if (await removeTaint({ node: door, key, uid: node.uid }))
        log.info({ node: name, taint: key, agent: verdict.agent }, 'NMI is ready: start-up taint removed');
      reported.well();
      return true;
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.code === 'not-found' || isOver(term)) return true;
      reported.failed(name, error);
      return false;
    }
  };
}

/** Logs lasting problems once. */
function createReported(log: Log) {
  const stale = new Set<string>();
  let failure = '';
  return {
    well: () => void (failure = ''),
    stale({ name, uid }: TaintedNode, pod: string) {
      const key = `${uid} ${pod}`;
      if (stale.has(key)) return;
      // Bounded, since nodes are created and deleted.
      if (stale.size >= 1_000) stale.clear();
      stale.add(key);
      log.warn(
        { node: name, pod },
        'the start-up taint stays: this pod of NMI on this node is older than the Node object and has not become ready since; ' +
          'if this lasts, delete that pod, and its DaemonSet makes a new one',
      );
    },
    failed(node: string, { code, message }: KubeError) {
      if (failure === code) return;
      failure = code;
      const remedy =
        code === 'denied' || code === 'unauthorized'
          ? 'give the service account of MIC the verb patch on nodes (deploy/components/startup-taint), or start MIC with --startup-taint= if no node has this taint'
          : 'it is tried again';
      log.error({ node, code, error: message }, `a start-up taint could not be taken off: ${remedy}`);
    },
  };
}

type StartupVerdict =
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
