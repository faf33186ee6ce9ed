import type { Decision } from '../authorize/types.ts';
import { recall, type ObtainOptions } from './obtain.ts';
import { permitsOf, type GrantQuestion } from './permit.ts';

/** A cached token of an identity that the decision allows. */
export function recallAny(options: ObtainOptions, question: GrantQuestion, decision: Decision) {
  for (const permit of permitsOf(decision)) {
    const outcome = recall(options, question, permit);
    if (outcome?.kind === 'token') return outcome;
  }
  return undefined;
}
