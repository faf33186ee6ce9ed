// Removes start-up taints during the term, one node at a time, where NMI is ready.
// plan/startup-taint.ts decides.
import { createBackoff } from '@pod-identity/kit/core';
import {
  createNodeTaintDoor,
  KubeError,
  removeTaint,
  type LeaderTerm,
  type KubeAmbient,
} from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';
import { judgeStartup } from '../plan/startup-taint.ts';
import type { AgentView, TaintedNode } from '../snapshot/views.ts';

export interface StartupView {
  /** Nodes with the taint. */
  tainted(): Iterable<TaintedNode>;
  taintedNode(name: string): TaintedNode | undefined;
  agentsOn(node: string): readonly AgentView[];
  /** Calls the listener with the name of a node when it, or a pod that counts on it, has changed. Returns the unsubscribe function. */
  onChange(listener: (node: string) => void): () => void;
}

export interface StartupTaintsOptions extends KubeAmbient {
  readonly key: string;
  readonly view: StartupView;
  readonly term: LeaderTerm;
}

/** Runs until the term ends; resolves when no request is running. */
export async function keepStartupTaints(options: StartupTaintsOptions): Promise<void> {
  const { view, term, clock, random } = options;
  const attempt = createAttempt(options);
  const waiting = new Set<string>();
  let wake = Promise.withResolvers<undefined>();
  const concern = (node: string) => {
    waiting.add(node);
    wake.resolve(undefined);
  };
  const stop = view.onChange(concern);
  for (const { name } of view.tainted()) concern(name);
  term.signal.addEventListener('abort', () => wake.resolve(undefined), { once: true });
  const patience = createBackoff({ baseMs: 1_000, capMs: 60_000, random });

  while (!isOver(term)) {
    await wake.promise;
    wake = Promise.withResolvers();
    const failed = await attemptAll([...waiting], waiting, attempt);
    if (failed.length === 0) patience.reset();
    else {
      await clock.sleep(patience.next(), term.signal).catch(() => undefined);
      failed.forEach(concern);
    }
  }
  stop();
}

const isOver = (term: LeaderTerm) => term.signal.aborted || !term.holds();

async function attemptAll(
  nodes: readonly string[],
  waiting: Set<string>,
  attempt: (node: string) => Promise<boolean>,
): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const node of nodes) {
    waiting.delete(node);
    if (!(await attempt(node))) failed.push(node);
  }
  return failed;
}

/** One node: true if there is nothing to do until something changes. */
function createAttempt(options: StartupTaintsOptions): (node: string) => Promise<boolean> {
  const { key, view, transport, term, log } = options;
  const reported = createReported(log);
  return async (name) => {
    const node = view.taintedNode(name);
    if (node === undefined || !term.holds()) return true;
    const verdict = judgeStartup(node, view.agentsOn(name));
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
