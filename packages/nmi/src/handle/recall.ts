import type { Decision } from '../authorize/types.ts';
import { recall, type ObtainOptions } from './obtain.ts';
import { permitsOf, type GrantQuestion } from './permit.ts';
import type { WaitingQuestion } from './release.ts';

/** There is a cached token for a pending identity if it is attached to the host, whatever the records say. */
export function recallAny(options: ObtainOptions, question: GrantQuestion, decision: Decision) {
  for (const permit of permitsOf(decision)) {
    const outcome = recall(options, question, permit);
    if (outcome?.kind === 'token') return outcome;
  }
  return undefined;
}

/** The same after a review. */
export function recallReviewed(options: ObtainOptions, question: WaitingQuestion, { kind }: Decision) {
  const pod = kind === 'pending' ? question.current() : undefined;
  if (!pod) return undefined;
  const decision = options.authorizer.decide(pod, question.request.selector, question.refused);
  return recallAny(options, { ...question, pod }, decision);
}
