// Room: whether NMI can serve its node: readiness, and the start-up taint.
// It must not know tokens.
import type { Clock } from '@pod-identity/kit/core';
import type { Informer } from '@pod-identity/kit/kube';
import { sendRequest } from '@pod-identity/kit/serve';
import { awaitChange, type Patience } from '../waiting/await-change.ts';
import { createSignal } from '../waiting/signal.ts';

export interface ReadinessOptions {
  readonly informers: readonly Pick<Informer<unknown>, 'hasSynced' | 'synced' | 'lastHeardMs'>[];
  /** Why calls of pods do not reach NMI, with the remedy; undefined if they do. */
  readonly redirectProblem?: () => string | undefined;
  /** Sends a request through the redirect rules; true if NMI responded. Absent without redirect. */
  readonly throughRedirect?: () => Promise<boolean>;
  /** Why the rights of pods cannot be found out; undefined: they can, or no rights are needed. */
  readonly accessProblem?: () => string | undefined;
  /** Sends a request to our listener; true if it responds correctly. */
  readonly selfTest: () => Promise<boolean>;
  /** How long data is valid after a watch last received anything. */
  readonly outageMs: number;
  /** Called with each result. */
  readonly onJudged?: (isReady: boolean) => void;
  readonly clock: Clock;
}

export interface Readiness {
  /** All objects that decisions need were read once. */
  hasSynced(): boolean;
  /** A call of a pod would get its final response. */
  readonly canServe: () => boolean;
  readonly whenReady: (patience: Patience) => true | Promise<boolean>;
  /** Ends all current and later waits: the agent is shutting down. */
  readonly endWaiting: () => void;
  /** A watch has been silent for too long: rights may have been revoked since then. */
  readonly isOutdated: () => boolean;
  /** Empty if ready. */
  readonly problems: () => Promise<readonly string[]>;
}

/** After this time without data a watch is reported; informers reconnect after 90 s. */
const longestSilenceMs = 240_000;
/**
 * A working watch receives something at least every 80 s, and one that follows a silent one 170 s after the last data: with a shorter
 * setting callers would be refused in between.
 */
const shortestOutageMs = 180_000;
/** Results of tests are kept this long, since anybody may request /readyz. */
const testHoldsMs = 3_000;

/** Ready: the cluster was read, calls of pods are redirected to NMI, and a test request succeeded. */
export function createReadiness(options: ReadinessOptions): Readiness {
  const { informers, clock, onJudged } = options;
  const bearableMs = Math.max(options.outageMs, shortestOutageMs);
  const tests = createTests(options);
  const hasSynced = () => informers.every((informer) => informer.hasSynced());
  const isOutdated = createOutdated(options, bearableMs);
  const { changes, notify } = createSignal();
  void Promise.all(informers.map(({ synced }) => synced)).then(() => notify());
  let isKnown = false;
  let isEnding = false;

  const untilSynced = async (patience: Patience): Promise<boolean> => {
    const look = () => (isEnding || hasSynced() ? hasSynced() : undefined);
    return (await awaitChange(look, patience, { clock, changes })) ?? hasSynced();
  };

  return {
    hasSynced,
    canServe: () => hasSynced() && options.accessProblem?.() === undefined,
    whenReady: (patience) => {
      isKnown ||= hasSynced();
      return isKnown || untilSynced(patience);
    },
    endWaiting: () => {
      isEnding = true;
      notify();
    },
    isOutdated,
    problems: async () => {
      const access = options.accessProblem?.();
      const problems = [
        ...watchProblems(informers, bearableMs),
        ...(access === undefined ? [] : [access]),
        ...(await tests()),
      ];
      onJudged?.(problems.length === 0);
      return problems;
    },
  };
}

/** Called for each token: computes until when the watches are valid, and checks them again only after that. */
function createOutdated({ informers, clock }: ReadinessOptions, bearableMs: number): () => boolean {
  let soundUntil = -Infinity;
  return () => {
    const now = clock.elapsed();
    if (now <= soundUntil) return false;
    const silentMs = Math.max(...informers.map((informer) => informer.lastHeardMs()));
    soundUntil = now + bearableMs - silentMs;
    return silentMs > bearableMs;
  };
}

function watchProblems(informers: ReadinessOptions['informers'], bearableMs: number): string[] {
  if (!informers.every((informer) => informer.hasSynced()))
    return [
      'the objects of the cluster have not all been read yet: if this lasts, the log says what the API server refuses',
    ];
  const silentMs = Math.max(...informers.map((informer) => informer.lastHeardMs()));
  if (silentMs > bearableMs)
    return [
      'a watch has not heard of the API server for longer than --pod-check-outage allows, so nobody gets a token: check the way from ' +
        'this node to it; if it refuses the watch, the log says so',
    ];
  return silentMs > longestSilenceMs
    ? [
        'the API server has not been heard of for four minutes: known pods are served; check the way from this node to it',
      ]
    : [];
}

function createTests(options: ReadinessOptions): () => Promise<string[]> {
  const { redirectProblem, throughRedirect, selfTest, clock } = options;
  const results = heldFor(testHoldsMs, () => selfTest().catch(() => false), clock);
  const leadsHere =
    throughRedirect && heldFor(testHoldsMs, () => throughRedirect().catch(() => false), clock);
  return async () => {
    const problems: string[] = [];
    if (!(await results()))
      problems.push(
        'the listener does not answer: if this lasts and the log names no other program that has the port, restart this pod of NMI and keep its log',
      );
    const problem = redirectProblem?.();
    if (problem !== undefined) problems.push(problem);
    else if (leadsHere && !(await leadsHere()))
      problems.push(
        'a request to the metadata service from this node does not get here: look for other rules that lead it elsewhere ' +
          '(on the node: nft list ruleset, and iptables-legacy -t nat -S for what nft does not list)',
      );
    return problems;
  };
}

/** Caches the result of the test for a time. */
function heldFor<T>(ms: number, test: () => Promise<T>, clock: Clock): () => Promise<T> {
  let last: { readonly result: Promise<T>; readonly at: number } | undefined;
  return () => {
    const age = last ? clock.now() - last.at : Infinity;
    if (!last || age < 0 || age >= ms) last = { result: test(), at: clock.now() };
    return last.result;
  };
}

/** A probe as sent by SDKs, without the Metadata header: the response must be an immediate 400. */
export async function probeListener({ address, port }: { address: string; port: number }): Promise<boolean> {
  try {
    const target = { host: address, port, path: '/metadata/identity/oauth2/token', longestBody: 4_096 };
    const { status } = await sendRequest({ ...target, signal: AbortSignal.timeout(1_000) });
    return status === 400 || status === 503;
  } catch {
    return false;
  }
}
