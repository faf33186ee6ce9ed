import { asciiJson, createTenantBudgets, RecentMap, type Clock, type Tenant } from '@pod-identity/kit/core';
import type { Log, LogFields } from '@pod-identity/kit/serve';
import type { SentResponse, Outcome, OutcomeKind } from '../respond/outcome.ts';
import { reasonOf } from '../respond/reason-of.ts';
import { briefOf } from './brief.ts';

/** Pods and addresses; far more than a node has. */
const subjectsKept = 2_000;
/** Limit pods whose outcome alternates. */
const lineBudgets = { namespace: { burst: 100, perSecond: 5 }, pod: { burst: 25, perSecond: 1.25 } };
/** A refusal may list what an editor named: 4 KiB. */
const byteBudgets = {
  namespace: { burst: 64 * 1024, perSecond: (32 * 1024) / 60 },
  pod: { burst: 16 * 1024, perSecond: (8 * 1024) / 60 },
};
/** Of a line, beside its fields. */
const bytesAround = 120;

/**
 * Logs when the outcome for a pod (or an unknown address) changes; repeats only at level debug. If the budget of the namespace or the pod is empty, a
 * change is logged later, unless the outcome has changed back by then.
 */
export function createDecisionLog(log: Log, clock: Clock): (sent: SentResponse) => void {
  const last = new RecentMap<string, string>(subjectsKept);
  const lines = createTenantBudgets(lineBudgets);
  const bytes = createTenantBudgets(byteBudgets);

  const mayCompose = (subject: string, state: string, outcome: Outcome): boolean =>
    last.get(subject) !== state &&
    ranks.indexOf(levelOf(outcome)) >= ranks.indexOf(log.level) &&
    lines.take(payerOf(subject, outcome), clock.now());

  return (sent) => {
    const { request, outcome } = sent;
    const subject = 'pod' in outcome ? outcome.pod : request.peer;
    const state = reasonOf(outcome) ?? outcome.kind;
    // Tens of thousands a second: a repeat must cost only a lookup in a map.
    const isNew = mayCompose(subject, state, outcome);
    if (!isNew && log.level !== 'debug') return;
    const fields = fieldsOf(subject, sent);
    const isReported = isNew && bytes.take(payerOf(subject, outcome), clock.now(), sizeOf(fields));
    if (isReported) last.set(subject, state);
    if (isReported || log.level === 'debug') log[isReported ? levelOf(outcome) : 'debug'](fields, 'answered');
  };
}

function fieldsOf(subject: string, { route, outcome, status, ms }: SentResponse): LogFields {
  const reason = reasonOf(outcome);
  return {
    subject,
    route,
    outcome: outcome.kind,
    status,
    ms,
    ...(reason && { reason }),
    ...detailsOf(outcome),
  };
}

function sizeOf(fields: object): number {
  return bytesAround + asciiJson(JSON.stringify(fields)).length;
}

/** Whose budget is charged. Addresses without a pod are charged as if they were pods of one namespace. */
function payerOf(subject: string, outcome: Outcome): Tenant {
  const [ambiguous = `/${subject}`] = 'pods' in outcome ? outcome.pods : [];
  const [namespace = '', pod = ''] = ('pod' in outcome ? outcome.pod : ambiguous).split('/');
  return { namespace, pod };
}

const ranks = ['debug', 'info', 'warn', 'error'] as const;

function levelOf({ kind }: Outcome): 'debug' | 'info' | 'warn' {
  return levels[kind] ?? 'info';
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

function detailsOf(outcome: Outcome): Readonly<Record<string, unknown>> {
  if (outcome.kind === 'token' || outcome.kind === 'host-token')
    return { identity: outcome.identity, from: outcome.from };
  if (outcome.kind === 'proxied') return {};
  const explanation = briefOf(outcome);
  return outcome.kind === 'ambiguous-caller' ? { explanation, pods: outcome.pods } : { explanation };
}
