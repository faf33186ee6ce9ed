import type { Decision } from '../authorize/types.ts';
import type { Outcome } from '../respond/outcome.ts';
import { obtain } from './obtain.ts';
import { permitFor } from './permit.ts';
import type { WaitingQuestion } from './release.ts';
import { isUnattached, untilAttached, type AttachOptions } from './until-attached.ts';

/** A token of the only identity that the request can mean. */
export function serveIdentity(
  options: AttachOptions,
  question: WaitingQuestion,
  decision: Extract<Decision, { readonly kind: 'allow' }>,
): Promise<Outcome> {
  const { identity } = decision;
  return untilAttached(options, question, {
    decision,
    identities: [identity],
    attempt: async (asking) => {
      const outcome = await obtain(options, asking, permitFor(identity));
      return isUnattached(outcome) ? { missing: [identity] } : { outcome };
    },
  });
}
