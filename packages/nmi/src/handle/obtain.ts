import type { PodView } from '../identify/pod-view.ts';
import type { Outcome } from '../respond/outcome.ts';
import { TokenError } from '../tokens/errors.ts';
import type { Asker } from '../tokens/questions.ts';
import type { TokenSource } from '../tokens/source.ts';
import type { TokenSubject, TokenWish } from '../tokens/types.ts';
import type { CallerLimits } from '../waiting/caller-limits.ts';
import { barredBy, isAllowedNow, withTimeForReviews } from './access-barrier.ts';
import { tenantOf, type GrantQuestion, type Permit } from './permit.ts';
import { release, tokenFor, type ReleaseOptions, type WaitingQuestion } from './release.ts';

export interface ObtainOptions extends ReleaseOptions {
  readonly tokens: TokenSource;
  readonly limits: CallerLimits;
}

/** Out of memory; undefined: it takes a wait. */
export function recall(options: ObtainOptions, question: GrantQuestion, permit: Permit): Outcome | undefined {
  const { tokens } = options;
  const { pod } = question;
  if (!isAllowedNow(options, pod, permit)) return undefined;
  const issued = tokens.cached(wishFor(question, permit.subject), () => askerOf(options, pod));
  return issued && tokenFor(question, permit, { issued, from: 'hit' });
}

/** A token, whatever that takes. The right is looked at before anything is asked for, and everything again before the token leaves. */
export async function obtain(
  options: ObtainOptions,
  question: WaitingQuestion,
  permit: Permit,
): Promise<Outcome> {
  const { tokens } = options;
  const { pod, patience } = question;
  const { subject } = permit;
  const barred = await barredBy(options, question, permit);
  if (barred) return barred;
  try {
    const { deadline, caller } = patience;
    const asker = { ...askerOf(options, pod), signal: caller.gone, deadline };
    const obtained = await tokens.get(wishFor(question, subject), asker);
    return await release(options, withTimeForReviews(question, options.clock), { subject, obtained });
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    const { code: why, message: description, status, retryAfterMs } = error;
    const isExempt = subject.kind === 'machine';
    return { kind: 'token-failed', pod: pod.key, why, description, status, retryAfterMs, isExempt };
  }
}

function askerOf({ limits, clock }: ObtainOptions, pod: PodView): Asker {
  return {
    tenant: tenantOf(pod),
    admit: (questions) => limits.admitUpstream(pod.uid, questions, clock.elapsed()),
  };
}

function wishFor({ request }: GrantQuestion, subject: TokenSubject): TokenWish {
  const { resource, bypassCache } = request;
  return { subject, resource, bypassCache };
}
