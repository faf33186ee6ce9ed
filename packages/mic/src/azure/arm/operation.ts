import { createBackoff, type Clock } from '@pod-identity/kit/core';
import type { Ambient } from '@pod-identity/kit/serve';
import { stringAt } from '../../snapshot/raw-object.ts';
import type { ArmResponse, ArmClient } from './arm-client.ts';
import { classify, parseRetryAfter, type ArmFailure, type ArmResult } from './arm-errors.ts';

interface Following extends Pick<Ambient, 'clock' | 'random'> {
  readonly client: Pick<ArmClient, 'send'>;
  readonly signal: AbortSignal;
  /** Polling ends after that. */
  readonly limitMs: number;
  /** Called at each poll. */
  onPoll(failure: ArmFailure | undefined, ms: number): void;
}

/** Pause of a host whose operation exceeded the limit. */
const updatingRetryMs = 30_000;

/** Most operations end in seconds, some take minutes: each poll is one read of ARM's limit. */
const pollBaseMs = 100;
const pollCapMs = 10_000;

type Step =
  | { readonly kind: 'done' }
  | { readonly kind: 'going' }
  | { readonly kind: 'over'; readonly failure: ArmFailure };

/**
 * Polls a long-running operation until its end: Azure-AsyncOperation by the `status` in its body, Location by its HTTP status. Returns
 * whether there was one, or its failure.
 */
export async function followOperation(
  first: ArmResponse,
  following: Following,
): Promise<ArmResult<'immediate' | 'followed'>> {
  const url = first.asyncOperation ?? first.location;
  if (url === undefined) return { ok: true, value: 'immediate' };
  const { clock, limitMs } = following;
  const byStatus = first.asyncOperation !== undefined;
  const backoff = createBackoff({
    baseMs: pollBaseMs,
    capMs: pollCapMs,
    jitter: 0.2,
    random: following.random,
  });
  const until = clock.now() + limitMs;
  let retryAfter = first.retryAfter;
  for (;;) {
    // Retry-After is the minimum; intervals grow even if it is 0.
    const waitMs = Math.max(parseRetryAfter(retryAfter, clock.now()) ?? 0, backoff.next());
    if (clock.now() + waitMs > until) return { ok: false, failure: outlasted(limitMs) };
    if (!(await sleeps(clock, waitMs, following.signal))) return { ok: false, failure: { kind: 'aborted' } };
    const { step, retryAfter: next } = await poll(url, byStatus, following);
    if (step.kind === 'over') return { ok: false, failure: step.failure };
    if (step.kind === 'done') return { ok: true, value: 'followed' };
    retryAfter = next;
  }
}

async function poll(
  url: string,
  byStatus: boolean,
  following: Following,
): Promise<{ step: Step; retryAfter?: string | undefined }> {
  const { client, clock, signal } = following;
  const startedAt = clock.now();
  const result = await client.send({ method: 'GET', url, signal });
  following.onPoll(result.ok ? undefined : result.failure, clock.now() - startedAt);
  if (result.ok) {
    const step = byStatus ? stepByBody(result.value, clock.now()) : stepByHttp(result.value);
    return { step, retryAfter: result.value.retryAfter };
  }
  const { failure } = result;
  // Under Location a response with an ARM error is the end of the operation, whatever its code.
  const isItsEnd = !byStatus && failure.kind === 'unavailable' && failure.code !== undefined;
  return isItsEnd ? { step: { kind: 'over', failure } } : stepOfFailure(failure);
}

/** A failed poll is not a failed operation: it is polled again. */
function stepOfFailure(failure: ArmFailure): { step: Step; retryAfter?: string } {
  switch (failure.kind) {
    case 'throttled':
    case 'unavailable':
      return { step: { kind: 'going' }, retryAfter: String(failure.retryAfterMs / 1000) };
    case 'gone':
      // The record of the operation has expired; the host shows its result.
      return {
        step: { kind: 'over', failure: { kind: 'unavailable', message: failure.message, retryAfterMs: 0 } },
      };
    case 'rejected':
    case 'busy':
    case 'denied':
    case 'failed':
    case 'aborted':
      // Under Location the response to the poll is the operation's failure.
      return { step: { kind: 'over', failure } };
  }
}

function stepByBody(response: ArmResponse, now: number): Step {
  switch (stringAt(response.body, 'status').toLowerCase()) {
    case 'succeeded':
      return { kind: 'done' };
    case 'failed':
    case 'canceled':
    case 'cancelled':
      return {
        kind: 'over',
        failure: classify({ status: 0, body: response.body, retryAfter: response.retryAfter }, now),
      };
    default:
      return { kind: 'going' };
  }
}

function stepByHttp(response: ArmResponse): Step {
  return response.status === 202 ? { kind: 'going' } : { kind: 'done' };
}

function outlasted(limitMs: number): ArmFailure {
  return {
    kind: 'busy',
    message: `the operation is still going on after ${Math.round(limitMs / 1000)} s; the host is looked at again later`,
    retryAfterMs: updatingRetryMs,
  };
}

async function sleeps(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await clock.sleep(ms, signal);
    return true;
  } catch {
    return false;
  }
}
