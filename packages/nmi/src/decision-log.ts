import { createTokenBucket, type Clock } from '@pod-identity/kit/core';
import type { Log } from '@pod-identity/kit/serve';
import type { Answered } from './app.ts';
import type { Outcome, OutcomeKind } from './respond/outcome.ts';
import { reasonOf } from './respond/reasons.ts';
import { refusalOf } from './respond/refusals.ts';
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
    // Tokens come by the ten thousand: what is the same again costs a look into a map and makes no text.
    const isNew = isNews(subject, reason ?? outcome.kind);
    if (!isNew && log.level !== 'debug') return;
    const level = isNew ? (levels[outcome.kind] ?? 'info') : 'debug';
    log[level](
      { subject, route, outcome: outcome.kind, status, ms, ...(reason && { reason }), ...detailsOf(outcome) },
      'answered',
    );
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

/** Whose token it is, or what the caller was told. */
function detailsOf(outcome: Outcome): Readonly<Record<string, unknown>> {
  if (outcome.kind === 'token' || outcome.kind === 'host-token')
    return { identity: outcome.identity, from: outcome.from };
  if (outcome.kind === 'proxied') return {};
  const explanation = withoutIds(refusalOf(outcome, 503).description);
  return outcome.kind === 'ambiguous-caller' ? { explanation, pods: outcome.pods } : { explanation };
}
