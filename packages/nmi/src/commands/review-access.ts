import type { Clock } from '@pod-identity/kit/core';
import { reviewStranger, type AccessReviewer } from '@pod-identity/kit/kube';
import { strangerRight } from '@pod-identity/policy';
import { reviewUseBy } from '../assemble-access.ts';
import { resultOf, type AccessResult } from '../access/guard.ts';
import type { AccessAges } from '../access/judge.ts';
import { createVerdicts } from '../access/verdicts.ts';
import type { GrantedIdentity } from '../authorize/types.ts';
import type { ReviewedAccesses } from '../explain/world.ts';
import type { PodView } from '../identify/pod-view.ts';

interface Reviewing {
  readonly reviewer: AccessReviewer;
  readonly ages: AccessAges;
  readonly clock: Clock;
}

/** What the agent makes of the rights that the identities of the pod need. */
export async function reviewAccess(
  { reviewer, ages, clock }: Reviewing,
  pod: Pick<PodView, 'namespace' | 'uid'>,
  identities: readonly GrantedIdentity[],
): Promise<ReviewedAccesses> {
  const reviewUse = reviewUseBy(reviewer);
  const verdicts = createVerdicts({ ...ages, reviewUse, clock, onReviewed: () => undefined });
  const tenant = { namespace: pod.namespace, pod: pod.uid };
  const reviewed = new Map<string, AccessResult>();
  let untrusted: Promise<AccessResult | undefined> | undefined;
  for (const { access, name } of identities) {
    if (!access || access.pairs === 'machine') continue;
    const { pairs } = access;
    const result = resultOf(pairs, await Promise.all(pairs.map((pair) => verdicts.verdict(pair, tenant))));
    // In mode `warn` nothing is refused.
    const instead = access.mode === 'rbac' ? await (untrusted ??= whyUntrusted(reviewer)) : undefined;
    reviewed.set(name, instead ?? result);
  }
  return reviewed;
}

/** Where an invented user is allowed too, or that is not known, the agent uses no review. */
async function whyUntrusted(reviewer: AccessReviewer): Promise<AccessResult | undefined> {
  const result = await reviewStranger(reviewer, strangerRight);
  if ('error' in result) return { verdict: 'unanswered' };
  return result.isRefused ? undefined : { verdict: 'unanswered', why: 'allows-all' };
}
