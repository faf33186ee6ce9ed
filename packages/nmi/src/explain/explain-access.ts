import { missingRightFinding, rightFinding, unknownRightFinding, type Finding } from '@pod-identity/policy';
import { deciderFor } from '../authorize/authorize.ts';
import { decideWithRights, type Decided } from '../authorize/decide-with-rights.ts';
import { missingRightIn } from '../authorize/missing-right.ts';
import type { GrantedIdentity } from '../authorize/types.ts';
import type { Selector } from '../request/token-request.ts';
import type { ExplainWorld } from './world.ts';

/** As the agent decides, by reviews that have ended. */
export function decideNow(selector: Selector, world: ExplainWorld): Decided {
  const { pod, view, rules, reviewed } = world;
  const decide = deciderFor(pod, view, rules);
  const deciding = decideWithRights((refused) => decide(selector, refused));
  let step = deciding.next();
  while (step.done !== true) {
    const needed = step.value;
    const known = needed.access?.mode === 'rbac' ? reviewed.get(needed.identity) : undefined;
    step = deciding.next(known && missingRightIn(known, pod.key, needed));
  }
  if (!step.value) throw new TypeError('a pod that was read once is not gone');
  return step.value;
}

/** Whether the ServiceAccount may use this identity; nothing in mode `namespace`. */
export function explainAccess({ access, name }: GrantedIdentity, { reviewed }: ExplainWorld): Finding[] {
  const known = reviewed.get(name);
  if (!access || !known) return [];
  const use = { ...access, identity: name };
  switch (known.verdict) {
    case 'allowed':
      return [rightFinding(use)];
    case 'busy':
      return [unknownRightFinding(use, 'the API server does not say', allowReviews)];
    case 'unanswered':
      return [
        known.why === 'allows-all'
          ? unknownRightFinding(use, 'the API server allows an invented user too', refuseStrangers)
          : unknownRightFinding(use, 'the API server does not say', allowReviews),
      ];
    case 'denied':
      return [missingRightFinding({ ...use, targets: known.targets }, access.mode)];
  }
}

const allowReviews = {
  text: 'allow create of subjectaccessreviews.authorization.k8s.io to whoever runs this (deploy/base/nmi/rbac.yaml)',
};
const refuseStrangers = {
  text: 'start the API server with --authorization-mode=Node,RBAC, or remove the right of everybody',
};
