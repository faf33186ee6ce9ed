import { missingRightFinding, rightFinding, unknownRightFinding, type Finding } from '@pod-identity/policy';
import { rightsOf } from '../authorize/authorize.ts';
import { isGrantable, reviewedFor, replacesRefusal } from '../authorize/refusal.ts';
import type { Decision, Denial, GrantedIdentity } from '../authorize/types.ts';
import type { Selector } from '../request/token-request.ts';
import { lackIn, refusedBy, type Lack } from '../respond/lack.ts';
import type { Failure } from '../respond/refusals.ts';
import type { ExplainWorld } from './world.ts';

/** What is decided on a request; a failure if the rights that decide are not known. */
export type DecidedWithAccess = { readonly decision: Decision } | { readonly failure: Failure };

/** As the agent decides: what the ServiceAccount may not use counts as not bound. */
export function decideWithAccess(selector: Selector, world: ExplainWorld): DecidedWithAccess {
  const rights = rightsOf(world.pod, world.view, world.rules);
  const refused = new Set<string>();
  let denied: Denial | undefined;
  for (;;) {
    const decision = rights(selector, refused);
    if (denied && !replacesRefusal(decision)) return { decision: refusalFor(denied) };
    const lack = firstLack(decision, world);
    if (lack === undefined) return { decision };
    const name = refusedBy(lack);
    if (name === undefined || lack.kind !== 'denied') return { failure: lack };
    denied ??= lack.denial;
    refused.add(name);
  }
}

/** The right may be granted later, as a binding may be created. */
function refusalFor(denial: Denial): Decision {
  return { kind: 'deny', denial, ...(isGrantable(denial) && { mayCome: true }) };
}

function firstLack(decision: Decision, { pod, reviewed }: ExplainWorld): Lack | undefined {
  for (const { name, access } of reviewedFor(decision)) {
    const known = access?.mode === 'rbac' ? reviewed.get(name) : undefined;
    const lack = access && known && lackIn(known, pod.key, { identity: name, access });
    if (lack) return lack;
  }
  return undefined;
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
