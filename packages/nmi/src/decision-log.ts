import { createTokenBucket, type Clock } from '@pod-identity/kit/core';
import type { Log } from '@pod-identity/kit/serve';
import type { Answered } from './app.ts';
import { explainBadRequest, explainDenial } from './respond/explain.ts';
import type { Outcome, OutcomeKind } from './respond/outcome.ts';
import { withoutIds } from './tokens/token-errors.ts';

/** Pods and addresses remembered; far more than a node has. */
const subjectsKept = 2_000;
/** A pod that asks in turns for what it may and may not have must not fill the disk. */
const newsBurst = 100;
const newsPerSecond = 5;

/** One line when a pod's (or an unknown address's) luck changes; the same again is for those who debug. */
export function createDecisionLog(log: Log, clock: Clock): (answered: Answered) => void {
  const last = new Map<string, string>();
  const allowance = createTokenBucket({
    capacity: newsBurst,
    refillPerMs: newsPerSecond / 1000,
    now: clock.now(),
  });

  const isNews = (subject: string, state: string): boolean => {
    if (last.get(subject) === state) return false;
    const oldest = last.size < subjectsKept ? undefined : last.keys().next().value;
    if (oldest !== undefined) last.delete(oldest);
    last.set(subject, state);
    return allowance.take(clock.now()) === 0;
  };

  return ({ request, route, outcome, status, ms }) => {
    const subject = 'pod' in outcome ? outcome.pod : request.peer;
    const reason = reasonOf(outcome);
    const isNew = isNews(subject, reason === undefined ? outcome.kind : `${outcome.kind} ${reason}`);
    if (!isNew && log.level !== 'debug') return;
    const level = isNew ? (levels[outcome.kind] ?? 'info') : 'debug';
    const explanation = explanationOf(outcome);
    const why = { ...(reason && { reason }), ...(explanation && { explanation }) };
    log[level]({ subject, route, outcome: outcome.kind, status, ms, ...why }, 'answered');
  };
}

const levels: Readonly<Partial<Record<OutcomeKind, 'debug' | 'warn'>>> = {
  'ambiguous-caller': 'warn',
  overloaded: 'warn',
  'token-failed': 'warn',
  'proxy-failed': 'warn',
  nowhere: 'debug',
  'bad-request': 'debug',
  'bad-method': 'debug',
  proxied: 'debug',
};

/** Why it ended as it did, in one word. */
function reasonOf(outcome: Outcome): string | undefined {
  if (outcome.kind === 'denied') return outcome.denial.why;
  if (outcome.kind === 'token-failed') return outcome.why;
  if (outcome.kind === 'not-assigned') return outcome.seen;
  return outcome.kind === 'bad-request' ? outcome.problem.why : undefined;
}

function explanationOf(outcome: Outcome): string | undefined {
  if (outcome.kind === 'denied') return withoutIds(explainDenial(outcome.pod, outcome.denial));
  if (outcome.kind === 'token-failed') return outcome.description;
  return outcome.kind === 'bad-request' ? explainBadRequest(outcome.problem) : undefined;
}
