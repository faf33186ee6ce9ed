import type { Clock } from '@pod-identity/kit/core';
import { awaitChange, type Changes, type Patience } from '../waiting/await-change.ts';
import type { Authorizer } from '../authorize/authorizer.ts';
import { awaitedBy, graceLeftMs, type Awaited } from '../authorize/grace.ts';
import type { Decision, Refused } from '../authorize/types.ts';
import type { PodView } from '../identify/pod-view.ts';
import type { Selector } from '../request/token-request.ts';

export interface AwaitOptions {
  readonly authorizer: Authorizer;
  readonly changes: Changes;
  /** How long after its start a pod waits for missing objects. */
  readonly bindingGraceMs: number;
  readonly clock: Clock;
  readonly onWaited: (ms: number) => void;
}

interface Awaiting {
  readonly pod: PodView;
  readonly request: { readonly selector: Selector };
  /** The pod now: its labels may change while its caller waits. Undefined: it is gone. */
  readonly current: () => PodView | undefined;
  readonly refused: Refused;
  readonly patience: Patience;
  /** Until when the request waits for a missing object. */
  readonly missingUntil: number;
}

export type JudgedDecision =
  | { readonly isSettled: true; readonly decision: Decision }
  /** Objects that the pod needs are missing, and may come soon. */
  | { readonly isSettled: false; readonly decision: Awaited };

/**
 * Decides again after each change until the decision is settled. When the request has waited as long as it may for what is missing, returns
 * the last unsettled one. Undefined: the pod is gone.
 */
export async function awaitDecision(
  options: AwaitOptions,
  awaiting: Awaiting,
  first: Decision,
): Promise<JudgedDecision | undefined> {
  const { clock, onWaited } = options;
  const judged = judge(options, awaiting.pod, first);
  if (judged.isSettled) return judged;
  const startedAt = clock.elapsed();
  const last = await awaitSettled(options, awaiting);
  onWaited(clock.elapsed() - startedAt);
  return last;
}

async function awaitSettled(
  options: AwaitOptions,
  { pod, current, request, patience, refused, missingUntil }: Awaiting,
): Promise<JudgedDecision | undefined> {
  const { authorizer, clock } = options;
  const changes = withEndOfGrace(options, pod);
  const judgeNow = (): JudgedDecision | undefined => {
    const known = current();
    return known && judge(options, known, authorizer.decide(known, request.selector, refused));
  };
  const look = () => (judgeNow()?.isSettled === false ? undefined : true);
  const deadline = Math.min(patience.deadline, missingUntil);
  await awaitChange(look, { ...patience, deadline }, { clock, changes });
  return judgeNow();
}

function judge({ bindingGraceMs, clock }: AwaitOptions, pod: PodView, decision: Decision): JudgedDecision {
  const awaited = awaitedBy(decision, pod, { bindingGraceMs, now: clock.now() });
  return awaited ? { isSettled: false, decision: awaited } : { isSettled: true, decision };
}

/** The end of the grace period changes the decision, too. */
function withEndOfGrace({ changes, bindingGraceMs, clock }: AwaitOptions, pod: PodView): Changes {
  const leftMs = graceLeftMs(pod, { bindingGraceMs, now: clock.now() });
  if (leftMs === 0) return changes;
  return {
    subscribe(listener) {
      const unsubscribe = changes.subscribe(listener);
      const end = clock.after(leftMs, listener);
      return () => {
        unsubscribe();
        end.cancel();
      };
    },
  };
}
