// Removes the start-up taint of nodes whose NMI is ready, one node at a time, during the term. plan/startup-taint.ts decides.
import { createBackoff, type Clock } from '@pod-identity/kit/core';
import {
  createNodeTaintDoor,
  KubeError,
  removeTaint,
  type KubeTransport,
  type LeaderTerm,
} from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';
import { judgeStartup } from '../plan/startup-taint.ts';
import type { AgentView, TaintedNode } from '../snapshot/views.ts';

export interface StartupView {
  /** Nodes with the taint. */
  tainted(): Iterable<TaintedNode>;
  taintedNode(name: string): TaintedNode | undefined;
  agentsOn(node: string): readonly AgentView[];
  /** Calls the listener with the name of a node when it, or NMI's pod on it, has changed. Returns the unsubscribe function. */
  onChange(listener: (node: string) => void): () => void;
}

export interface StartupTaintsOptions {
  readonly key: string;
  readonly view: StartupView;
  readonly transport: KubeTransport;
  readonly term: LeaderTerm;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
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
  const told = createTold(log);
  return async (name) => {
    const node = view.taintedNode(name);
    if (node === undefined || !term.holds()) return true;
    const verdict = judgeStartup(node, view.agentsOn(name));
    if (verdict.kind === 'keep') {
      if (verdict.why === 'stale') told.stale(node, verdict.agent);
      return true;
    }
    try {
      const door = createNodeTaintDoor(transport, name);
      if (await removeTaint({ node: door, key, uid: node.uid }))
        log.info({ node: name, taint: key, agent: verdict.agent }, 'NMI is ready: start-up taint removed');
      told.well();
      return true;
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.code === 'not-found' || isOver(term)) return true;
      told.failed(name, error);
      return false;
    }
  };
}

/** Logs lasting problems once. */
function createTold(log: Log) {
  const stale = new Set<string>();
  let failure = '';
  return {
    well: () => void (failure = ''),
    stale({ name, uid }: TaintedNode, agent = '') {
      if (stale.has(uid)) return;
      // Bounded, since nodes are created and deleted.
      if (stale.size >= 1_000) stale.clear();
      stale.add(uid);
      log.warn(
        { node: name, agent },
        "the start-up taint stays: NMI's pod on this node is older than the Node object and has not become ready since; " +
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
