import { exemptionName } from '../authorize/authorize.ts';
import { replacesRefusal, reviewedFor } from '../authorize/refusal.ts';
import type { Decision, Refused } from '../authorize/types.ts';
import { failureOf } from '../respond/failure-of.ts';
import { refusedBy } from '../respond/lack.ts';
import type { Outcome } from '../respond/outcome.ts';
import type { Granting } from './granting.ts';
import { lackOf } from './rights.ts';
import { machinePermit, permitFor, type Permit, type ReviewedCall } from './permit.ts';

export interface Decided {
  /** While nothing was refused. */
  readonly first: Decision;
  readonly decision: Decision;
  /** What counts as not bound, since the ServiceAccount may not use it. */
  readonly refused: Refused;
}

/** A token may be requested. */
export interface Granted extends Decided {
  readonly decision: Exclude<Decision, { readonly kind: 'deny' | 'unusable' }>;
}

export interface NotGranted extends Decided {
  readonly outcome: Outcome;
}

/**
 * Decides, and reviews the rights that the decision needs. What the ServiceAccount may not use counts as not bound: it is decided again without
 * it, and if nothing is left, the first refusal is the outcome. Undefined: the pod is gone.
 */
export async function decideWithRights(
  options: Granting,
  call: ReviewedCall,
): Promise<Granted | NotGranted | undefined> {
  const refused = new Set<string>();
  /** The first refusal for lack of a right. */
  let lacking: Outcome | undefined;
  let first: Decision | undefined;
  for (;;) {
    const pod = call.current();
    if (!pod) return undefined;
    const decision = options.authorizer.decide(pod, call.request.selector, refused);
    first ??= decision;
    const decided = { first, decision, refused };
    if (lacking && !replacesRefusal(decision)) return { ...decided, outcome: lacking };
    const lack = await firstLack(options, { ...call, pod }, decision);
    if (!lack) return settled(decided, pod.key);
    const name = refusedBy(lack);
    if (name === undefined || refused.has(name)) return { ...decided, outcome: lack };
    lacking = meantFirst(lacking, lack);
    refused.add(name);
  }
}

function meantFirst(before: Outcome | undefined, lack: Outcome): Outcome {
  return !before || refusedBy(before) === exemptionName ? lack : before;
}

function settled({ decision, ...rest }: Decided, pod: string): Granted | NotGranted {
  return decision.kind === 'deny' || decision.kind === 'unusable'
    ? { ...rest, decision, outcome: failureOf(decision, pod) }
    : { ...rest, decision };
}

async function firstLack(
  options: Granting,
  call: ReviewedCall,
  decision: Decision,
): Promise<Outcome | undefined> {
  for (const permit of reviewedBefore(decision)) {
    const lack = await lackOf(options, call, permit);
    if (lack) return lack;
  }
  return undefined;
}

/** By object id, each identity is reviewed when its token is requested. */
function reviewedBefore(decision: Decision): readonly Permit[] {
  return decision.kind === 'pass-through' ? [machinePermit(decision)] : reviewedFor(decision).map(permitFor);
}
