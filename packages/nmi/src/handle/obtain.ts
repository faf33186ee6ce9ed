import type { Decision, GrantedIdentity } from '../authorize/types.ts';
import type { PodView } from '../identify/pod-view.ts';
import type { Outcome } from '../respond/outcome.ts';
import { TokenError } from '../tokens/errors.ts';
import type { TokenCaller } from '../tokens/flights.ts';
import type { TokenSubject, WantedToken } from '../tokens/types.ts';
import { isAllowedNow, withTimeForReviews } from './rights.ts';
import {
  permitsOf,
  tenantOf,
  type DecidedCall,
  type PodCall,
  type Permit,
  type GrantPorts,
} from './permit.ts';
import { releaseIfStillAllowed, checkedToken } from './release.ts';

/** A token from memory of an identity that the decision allows; undefined: none can be returned at once. */
export function recallAny(options: GrantPorts, call: PodCall, decision: Decision): Outcome | undefined {
  for (const permit of permitsOf(decision)) {
    const outcome = recall(options, call, permit);
    if (outcome?.kind === 'token') return outcome;
  }
  return undefined;
}

function recall(options: GrantPorts, call: PodCall, permit: Permit): Outcome | undefined {
  const { tokens } = options;
  const { pod } = call;
  if (!isAllowedNow(options, pod, permit)) return undefined;
  const issued = tokens.cached(wantedFor(call, permit.subject), () => callerOf(options, pod));
  return issued && checkedToken(call, permit, { issued, from: 'hit' });
}

/** `missing`: the metadata service does not know them, and one of them may give the token. Not empty. */
export type AttemptResult = { readonly outcome: Outcome } | { readonly missing: readonly GrantedIdentity[] };
export type TokenAttempt = (call: DecidedCall) => Promise<AttemptResult>;

/** A token from memory or by a request. Before it is returned, the request is decided again and rights are reviewed again. */
export async function obtain(options: GrantPorts, call: DecidedCall, permit: Permit): Promise<Outcome> {
  const { tokens } = options;
  const { pod, patience } = call;
  const { subject } = permit;
  try {
    const { deadline, caller } = patience;
    const tokenCaller = { ...callerOf(options, pod), signal: caller.gone, deadline };
    const obtained = await tokens.get(wantedFor(call, subject), tokenCaller);
    return await releaseIfStillAllowed(options, withTimeForReviews(call, options.clock), {
      subject,
      obtained,
    });
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    const { code: why, message: description, status, retryAfterMs } = error;
    const isExempt = subject.kind === 'machine';
    return { kind: 'token-failed', pod: pod.key, why, description, status, retryAfterMs, isExempt };
  }
}

/** Whether the metadata service does not know the identity. */
export function isUnattached(outcome: Outcome): boolean {
  return outcome.kind === 'token-failed' && outcome.why === 'not-on-host';
}

function callerOf({ limits, clock }: GrantPorts, pod: PodView): TokenCaller {
  return {
    tenant: tenantOf(pod),
    admit: (requests) => limits.admitUpstream(pod.uid, requests, clock.elapsed()),
  };
}

function wantedFor({ request }: PodCall, subject: TokenSubject): WantedToken {
  const { resource, bypassCache } = request;
  return { subject, resource, bypassCache };
}
