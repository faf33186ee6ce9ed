import type { Clock } from '@pod-identity/kit/core';
import { awaitChange, type Changes, type Patience } from './await-change.ts';
import type { Authorizer } from './authorize/authorizer.ts';
import { awaitedBy, graceLeftMs, type Awaited } from './authorize/grace.ts';
import type { Decision } from './authorize/types.ts';
import type { PodView } from './identify/pod-view.ts';
import type { Selector } from './request/token-request.ts';

export interface AwaitOptions {
  readonly decide: Authorizer;
  /** The pod as it is known now: it may have been labelled while its caller waits. */
  readonly latest: (pod: PodView) => PodView;
  /** Of anything that decisions rest on. */
  readonly changes: Changes;
  /** How long after its start a pod waits for what its label needs and nobody has created. */
  readonly bindingGraceMs: number;
  readonly clock: Clock;
  readonly onWaited: (ms: number) => void;
}

interface Awaiting {
  readonly pod: PodView;
  readonly request: { readonly selector: Selector };
  readonly patience: Patience;
}

/** What may yet become better by itself: the identity is to be assigned, or what the pod's label needs is to be created. */
export type Unsettled = Extract<Decision, { readonly kind: 'pending' }> | Awaited;

export type AwaitedDecision =
  | { readonly isSettled: true; readonly decision: Decision }
  /** Nobody waits any longer: what was decided last. */
  | { readonly isSettled: false; readonly decision: Unsettled };

export function unsettled(
  { bindingGraceMs, clock }: AwaitOptions,
  pod: PodView,
  decision: Decision,
): Unsettled | undefined {
  if (decision.kind === 'pending') return decision;
  return awaitedBy(decision, pod, { bindingGraceMs, now: clock.now() });
}

/** Decides again at every change until there is something to be served or refused for good. */
export async function awaitDecision(
  options: AwaitOptions,
  { pod, request, patience }: Awaiting,
  first: Unsettled,
): Promise<AwaitedDecision> {
  const { decide, latest, clock, onWaited } = options;
  const startedAt = clock.now();
  let last = first;
  const settled = () => {
    const known = latest(pod);
    const decision = decide(known, request.selector);
    const open = unsettled(options, known, decision);
    last = open ?? last;
    return open ? undefined : decision;
  };
  const changes = withEndOfGrace(options, pod);
  const decision = await awaitChange(settled, patience, { clock, changes });
  onWaited(clock.now() - startedAt);
  return decision ? { isSettled: true, decision } : { isSettled: false, decision: last };
}

/** That the pod is young no more changes what it is told, too. */
function withEndOfGrace({ changes, bindingGraceMs, clock }: AwaitOptions, pod: PodView): Changes {
  const leftMs = graceLeftMs(pod, { bindingGraceMs, now: clock.now() });
  if (leftMs === 0) return changes;
  return (listener) => {
    const stop = changes(listener);
    const end = clock.after(leftMs, listener);
    return () => {
      stop();
      end.cancel();
    };
  };
}
