import type { Decision, GrantedIdentity } from '../authorize/types.ts';
import type { Outcome } from '../respond/outcome.ts';
import { awaitChange } from '../waiting/await-change.ts';
import { withTimeForReviews } from './access-barrier.ts';
import type { AwaitOptions } from './await-decision.ts';
import type { ObtainOptions } from './obtain.ts';
import { permitsOf } from './permit.ts';
import type { WaitingQuestion } from './release.ts';

export type AttachOptions = ObtainOptions & Pick<AwaitOptions, 'changes' | 'onWaited'>;

/**
 * `missing`: the metadata service does not know them, and one of them may give the token. Not empty. `later`: those that were
 * not asked for, to be part of the next attempt.
 */
export type Attempt =
  | { readonly outcome: Outcome }
  | {
      readonly missing: readonly [GrantedIdentity, ...GrantedIdentity[]];
      readonly later?: readonly GrantedIdentity[];
    };

export interface Attempts {
  /** Requests a token of each of these identities once. */
  readonly attempt: (question: WaitingQuestion, identities: readonly GrantedIdentity[]) => Promise<Attempt>;
  readonly identities: readonly GrantedIdentity[];
  /** By which the pod may use them. */
  readonly decision: Decision;
}

/**
 * Repeats the attempt until the deadline of the request, whenever a missing identity may be asked for again. Ends at once if the decision is
 * another one by then.
 */
export async function untilAttached(
  options: AttachOptions,
  question: WaitingQuestion,
  { attempt, identities, decision }: Attempts,
): Promise<Outcome> {
  const { clock, tokens, onWaited } = options;
  const startedAt = clock.elapsed();
  const first = await attempt(question, identities);
  if ('outcome' in first) return first.outcome;
  let { missing, later = [] } = first;
  const isOther = otherThan(decision, options, question);
  const mayAsk = (identity: GrantedIdentity) => tokens.mayAsk(identity, question.pod.namespace);
  const look = () => (isOther() ? 'other' : missing.some(mayAsk) ? 'again' : undefined);
  const waits = { clock, changes: options.changes };
  const { key: pod } = question.pod;
  try {
    for (;;) {
      const isOver = clock.elapsed() >= question.patience.deadline;
      const found = isOver ? undefined : await awaitChange(look, question.patience, waits);
      if (found === 'other') return { kind: 'rights-changed', pod };
      if (found !== 'again')
        return { kind: 'not-assigned', pod, seen: 'unattached', identity: missing[0].name };
      const next = await attempt(withTimeForReviews(question, clock), [...later, ...missing]);
      if ('outcome' in next) return next.outcome;
      ({ missing, later = [] } = next);
    }
  } finally {
    onWaited(clock.elapsed() - startedAt);
  }
}

/** Whether the metadata service does not know the identity. */
export function isUnattached(outcome: Outcome): boolean {
  return outcome.kind === 'token-failed' && outcome.why === 'not-on-host';
}

/** Whether the pod is gone, or what it may have is not the same any more. */
function otherThan(
  first: Decision,
  { authorizer }: Pick<AttachOptions, 'authorizer'>,
  { current, request, refused }: WaitingQuestion,
): () => boolean {
  const permitted = JSON.stringify(permitsOf(first));
  let known = first;
  return () => {
    const pod = current();
    if (!pod) return true;
    const decision = authorizer.decide(pod, request.selector, refused);
    if (decision === known) return false;
    known = decision;
    return JSON.stringify(permitsOf(decision)) !== permitted;
  };
}
