import { decideWithRights, type Decided } from '../authorize/decide-with-rights.ts';
import { failureOf } from '../respond/refusals.ts';
import type { Outcome } from '../respond/outcome.ts';
import type { ReviewedCall, GrantPorts } from './permit.ts';
import { missingRightOf } from './rights.ts';

/** A token may be requested. */
export interface Allowed extends Decided {
  readonly decision: Exclude<Decided['decision'], { readonly kind: 'deny' | 'unusable' }>;
}

export interface NotAllowed extends Decided {
  readonly outcome: Outcome;
}

/** Decides, and reviews the rights that the decision needs. Undefined: the pod is gone. */
export async function decideReviewed(
  options: GrantPorts,
  call: ReviewedCall,
): Promise<Allowed | NotAllowed | undefined> {
  let { pod } = call;
  const deciding = decideWithRights((refused) => {
    const current = call.current();
    if (!current) return undefined;
    pod = current;
    return options.authorizer.decide(pod, call.request.selector, refused);
  });
  let step = deciding.next();
  while (step.done !== true)
    step = deciding.next(await missingRightOf(options, { ...call, pod }, step.value));
  return step.value && settled(step.value, pod.key);
}

function settled({ decision, ...rest }: Decided, pod: string): Allowed | NotAllowed {
  if (rest.lack) return { ...rest, decision, outcome: rest.lack };
  return decision.kind === 'deny' || decision.kind === 'unusable'
    ? { ...rest, decision, outcome: failureOf(decision, pod) }
    : { ...rest, decision };
}
