import { createBudgets, RecentMap, type Clock, type LimitEffect } from '@pod-identity/kit/core';
import type { Log } from '@pod-identity/kit/serve';

/** Between lines about one caller and limit; callers can be replaced by new ones any number of times. */
const quietMs = 60_000;
const subjectsKept = 1_000;
/** A caller has up to four lines a minute, but an editor can create any number of pods. */
const perNamespace = { burst: 20, perSecond: 0.2 };

/** Logs one line a minute for each limited caller and effect. */
export function createLimitLog(
  log: Log,
  clock: Clock,
  podsAt: (address: string) => readonly { readonly key: string; readonly namespace: string }[],
): (effect: LimitEffect, peer: string) => void {
  const last = new RecentMap<string, number>(subjectsKept);
  const budgets = createBudgets(perNamespace);
  return (effect, peer) => {
    const subject = `${effect} ${peer}`;
    const now = clock.elapsed();
    if (now - (last.get(subject) ?? -Infinity) < quietMs) return;
    const pods = podsAt(peer);
    if (!budgets.take(pods[0]?.namespace ?? '', now)) return;
    last.set(subject, now);
    log.warn({ effect, peer, pods: pods.map(({ key }) => key) }, meanings[effect]);
  };
}

const meanings: Readonly<Record<LimitEffect, string>> = {
  refused: 'a caller asks too often: requests are refused with 429 (--pod-requests-per-second)',
  'turned-away': 'a caller has 64 connections, or opens them too often: new ones are closed',
  pipelined: 'a caller sends more than 4 requests on a connection without waiting for answers: it is closed',
  unread: 'a caller does not read its answers: the connection is closed',
  evicted: 'too many connections: those of the caller that has most of them are closed',
};
