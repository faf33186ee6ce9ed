import { graceLeftMs } from '../authorize/grace.ts';
import { isGrantable, replacesRefusal } from '../authorize/refusal.ts';
import type { Refused } from '../authorize/types.ts';
import type { Outcome } from '../respond/outcome.ts';
import { awaitChange } from '../waiting/await-change.ts';
import type { AwaitOptions } from './await-decision.ts';
import type { WaitingQuestion } from './release.ts';

type Denied = Extract<Outcome, { readonly kind: 'denied' }>;

/** Whether the pod lacks only a right, and is still in its grace period: the right may be granted after it, as a binding may be created. */
export function mayBeGranted(
  { bindingGraceMs, clock }: Pick<AwaitOptions, 'bindingGraceMs' | 'clock'>,
  { current }: Pick<WaitingQuestion, 'current'>,
  outcome: Outcome,
): outcome is Denied {
  const pod = current();
  if (!pod || outcome.kind !== 'denied' || !isGrantable(outcome.denial)) return false;
  return graceLeftMs(pod, { bindingGraceMs, now: clock.now() }) > 0;
}

/**
 * Waits until something else than what was refused is left, and no longer than for a missing object: then the right is reviewed again. False: the
 * request has waited for as long already.
 */
export async function awaitRight(
  { authorizer, bindingGraceMs, changes, clock, onWaited }: AwaitOptions,
  { pod, patience, missingUntil, current, request }: WaitingQuestion,
  refused: Refused,
): Promise<boolean> {
  const startedAt = clock.elapsed();
  const graceUntil = startedAt + graceLeftMs(pod, { bindingGraceMs, now: clock.now() });
  const deadline = Math.min(patience.deadline, missingUntil, graceUntil);
  if (startedAt >= deadline || patience.caller.gone.aborted) return false;
  const look = () => {
    const known = current();
    if (!known) return true;
    const isElse = refused.size > 0 && replacesRefusal(authorizer.decide(known, request.selector, refused));
    return isElse ? true : undefined;
  };
  await awaitChange(look, { ...patience, deadline }, { clock, changes });
  onWaited(clock.elapsed() - startedAt);
  return true;
}
