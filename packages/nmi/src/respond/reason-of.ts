import type { Reason } from '@pod-identity/policy';
import type { Outcome } from './outcome.ts';
import type { Success } from './refusals.ts';

/** Undefined if the request succeeded. */
export function reasonOf(outcome: Outcome): Reason | undefined {
  const { kind } = outcome;
  if (isSuccess(kind)) return undefined;
  if (kind === 'bad-request') return outcome.problem.why;
  if (kind === 'denied') return outcome.denial.why;
  if (kind === 'nowhere') return `path-${outcome.why}`;
  if (kind === 'token-failed') return `azure-${outcome.why}`;
  if (kind === 'not-assigned') return `assignment-${outcome.seen}`;
  return kind === 'proxy-failed' ? `metadata-${outcome.why}` : kind;
}

const successes: ReadonlySet<string> = new Set<Success>(['token', 'host-token', 'proxied']);
const isSuccess = (kind: Outcome['kind']): kind is Success => successes.has(kind);
