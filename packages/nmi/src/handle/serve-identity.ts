import type { GrantedIdentity } from '../authorize/types.ts';
import type { Outcome } from '../respond/outcome.ts';
import { obtain, type ObtainOptions } from './obtain.ts';
import type { Permit } from './permit.ts';
import type { WaitingQuestion } from './release.ts';

type Waiting = Pick<
  Extract<Outcome, { readonly kind: 'not-assigned'; readonly identity: string }>,
  'identity' | 'seen'
>;

/** Of an identity that is attached to the host, as far as is known. */
export async function serveIdentity(
  options: ObtainOptions,
  question: WaitingQuestion,
  permit: Permit & { readonly subject: GrantedIdentity },
): Promise<Outcome> {
  const outcome = await obtain(options, question, permit);
  return unlessMissing(outcome, { identity: permit.subject.name, seen: 'assigned' });
}

/** While an identity is being assigned, the metadata service may not know it yet: this is no refusal. */
export function unlessMissing(outcome: Outcome, waiting: Waiting): Outcome {
  const isMissing = outcome.kind === 'token-failed' && outcome.why === 'not-on-host';
  return isMissing ? { kind: 'not-assigned', pod: outcome.pod, ...waiting } : outcome;
}
