import { federatedTarget, rolesFor, type AccessSubject, type AccessTarget } from '@pod-identity/crd-types';
import type { Clock } from '@pod-identity/kit/core';
import type { StrangerCheck } from '@pod-identity/kit/kube';
import { pairOf, type ReviewUse } from '../access/types.ts';
import { createVerdicts } from '../access/verdicts.ts';
import { refused, type Placed } from './judge.ts';
import type { BrokerRefusal, BrokerRequest } from '../broker/wire.ts';

export type Rights = ReturnType<typeof createRights>;

/** Without grace: while the API server does not answer, no right is assumed. */
const ages = { maxAgeMs: 15_000, graceMs: 0 };
const unanswered = refused(
  'review_unanswered',
  'The API server has not said whether the pod may use it. Try again.',
);
const busy = refused(
  'too_many_requests',
  'Too many rights of this namespace wait for their review. Try again.',
);
const meaningless = refused(
  'not_ready',
  'The API server has not refused an invented user yet, so its reviews are not used.',
);

export function createRights(
  reviewUse: ReviewUse,
  stranger: Pick<StrangerCheck, 'isRefused' | 'looked'>,
  clock: Clock,
) {
  const verdicts = createVerdicts({ ...ages, reviewUse, clock });
  return {
    /** Why the ServiceAccount of the pod may not use the identity; undefined if it may. */
    async refusal(request: BrokerRequest, { node, account }: Placed): Promise<BrokerRefusal | undefined> {
      if (stranger.isRefused() === undefined) await stranger.looked;
      if (stranger.isRefused() !== true) return meaningless;
      const { namespace } = request.pod;
      const subject = { namespace, name: account };
      const parsed = federatedTarget(request.tenant, request.clientId);
      if (!parsed.ok) return denied(subject, []);
      // Nodes share the turns of the namespace, so that a stolen one takes a part of them alone.
      const verdict = await verdicts.verdict(pairOf(subject, parsed.value), { namespace, pod: node });
      if (verdict === 'allowed') return undefined;
      if (verdict === 'denied') return denied(subject, [parsed.value]);
      return verdict === 'busy' ? busy : unanswered;
    },
  };
}

function denied(subject: AccessSubject, targets: readonly AccessTarget[]): BrokerRefusal {
  const rights = targets.map(({ resource, names: [name] }) => `${resource} ${name}`).join(' and ');
  const text = `ServiceAccount ${subject.namespace}/${subject.name} has no right to use ${rights}. A cluster administrator can grant it:`;
  return refused('access_denied', `${text}\n${rolesFor({ subjects: [subject], targets }).yaml}`);
}
