import { createTokenBucket } from '@pod-identity/kit/core';
import type { Decided } from '../authorize/decide-with-rights.ts';
import { graceLeftMs } from '../authorize/grace.ts';
import { isWorthWaiting } from '../authorize/refusal.ts';
import type { Decision, GrantedIdentity, Refused } from '../authorize/types.ts';
import type { Outcome } from '../respond/outcome.ts';
import { awaitChange } from '../waiting/await-change.ts';
import { keyOfDecision, type WaitingCall, type GrantPorts } from './permit.ts';

/** What a request waits for. */
export interface WaitFor {
  readonly deadline: number;
  readonly isDue: () => boolean;
}

/** How often a request is decided again: at once, and per second. Each time costs reviews and requests of tokens. */
const passes = { capacity: 4, perSecond: 1 };

/**
 * Returns the function by which one request waits. It resolves to whether the request is to be decided again: false if its hold is over, or if
 * it had reached its deadline before.
 */
export function createWait(
  { clock, changes }: GrantPorts,
  { patience }: WaitingCall,
): (until: WaitFor) => Promise<boolean> {
  const { capacity, perSecond } = passes;
  const bucket = createTokenBucket({ capacity, refillPerMs: perSecond / 1_000, now: clock.elapsed() });
  const { gone } = patience.caller;
  const leftMs = (until: number) => (gone.aborted ? 0 : until - clock.elapsed());
  return async ({ deadline, isDue }) => {
    if (leftMs(deadline) <= 0) return false;
    await awaitChange(() => isDue() || undefined, { ...patience, deadline }, { clock, changes });
    for (let left = leftMs(patience.deadline); left > 0; left = leftMs(patience.deadline)) {
      const pauseMs = bucket.take(clock.elapsed());
      if (pauseMs === 0) return true;
      await clock.sleep(Math.min(pauseMs, left), gone).catch(() => undefined);
    }
    return false;
  };
}

/** The outcome so far. `until`: what may still change it while the request waits; without it the outcome is final. */
export interface Step {
  readonly outcome: Outcome;
  readonly until?: WaitFor;
  /** The hold is over: the request does not begin again. */
  readonly isOver?: true;
}

/** None of these identities is on the machine yet. */
export function stepForMissing(
  options: GrantPorts,
  call: WaitingCall,
  { decided, missing }: { readonly decided: Decided; readonly missing: readonly GrantedIdentity[] },
): Step {
  const { pod, patience } = call;
  const isOther = otherThan(decided, options, call);
  const mayRequest = (identity: GrantedIdentity) => options.tokens.mayRequest(identity, pod.namespace);
  return {
    outcome: { kind: 'not-assigned', pod: pod.key, seen: 'unattached', identity: missing[0]?.name ?? '' },
    until: { deadline: patience.deadline, isDue: () => isOther() || missing.some(mayRequest) },
  };
}

/** Final, unless only an object or a right is missing that may come since the pod has just started. */
export function stepForRefusal(
  options: GrantPorts,
  call: WaitingCall,
  { decided, outcome }: { readonly decided: Decided; readonly outcome: Outcome },
): Step {
  const graceMs = graceOf(options, call);
  if (outcome.kind !== 'denied' || graceMs === 0) return { outcome };
  const { denial, pod } = outcome;
  if (!isWorthWaiting(decided.decision, denial)) return { outcome };
  const isOther = otherThan(decided, options, call);
  return {
    outcome: { kind: 'not-assigned', pod, seen: 'unbound', denial },
    until: {
      deadline: Math.min(call.patience.deadline, call.missingUntil, options.clock.elapsed() + graceMs),
      isDue: () => isOther() || graceOf(options, call) === 0,
    },
  };
}

function graceOf({ bindingGraceMs, clock }: GrantPorts, { current }: WaitingCall): number {
  const pod = current();
  return pod ? graceLeftMs(pod, { bindingGraceMs, now: clock.now() }) : 0;
}

/** Whether the pod is gone, or another decision counts for it, with or without what was refused. */
function otherThan(
  { first, decision, refused }: Decided,
  { authorizer }: GrantPorts,
  { current, request }: WaitingCall,
): () => boolean {
  return () => {
    const pod = current();
    if (!pod) return true;
    const isOther = (one: Decision, without?: Refused) =>
      keyOfDecision(authorizer.decide(pod, request.selector, without)) !== keyOfDecision(one);
    return isOther(first) || (refused.size > 0 && isOther(decision, refused));
  };
}
