import { rolesFor, type AccessTarget } from '@pod-identity/crd-types';
import { inMic, inNmi } from '@pod-identity/kit/core';
import type { Access } from '../access/types.ts';
import { accessModeOf } from '../authorize/access-needed.ts';
import { rightsOf } from '../authorize/authorize.ts';
import { isGrantable, reviewedFor, replacesRefusal } from '../authorize/refusal.ts';
import type { Decision, Denial, GrantedIdentity } from '../authorize/types.ts';
import type { Selector } from '../request/token-request.ts';
import type { Failure } from '../respond/refusals.ts';
import { info, ok, problem, waiting, type Finding } from './finding.ts';
import type { ExplainWorld } from './world.ts';

/** What is decided on a request; a failure if the rights that decide are not known. */
export type DecidedWithAccess = { readonly decision: Decision } | { readonly failure: Failure };

/** As the agent decides: what the ServiceAccount may not use counts as not bound. */
export function decideWithAccess(selector: Selector, world: ExplainWorld): DecidedWithAccess {
  const rights = rightsOf(world.pod, world.view, world.rules);
  const refused = new Set<string>();
  let told: Denial | undefined;
  for (;;) {
    const decision = rights(selector, refused);
    if (told && !replacesRefusal(decision)) return { decision: refusalFor(told) };
    const lacking = firstLacking(decision, world);
    if (lacking === undefined) return { decision };
    if (lacking.verdict === 'unanswered') return { failure: lacking.failure };
    told ??= lacking.denial;
    refused.add(lacking.denial.identity);
  }
}

/** The right may be granted later, as a binding may be created. */
function refusalFor(denial: Denial): Decision {
  return { kind: 'deny', denial, ...(isGrantable(denial) && { mayCome: true }) };
}

type NoAccess = Extract<Denial, { readonly why: 'access-denied' }>;
type Lacking =
  | { readonly verdict: 'denied'; readonly denial: NoAccess }
  | { readonly verdict: 'unanswered'; readonly failure: Failure };

function firstLacking(decision: Decision, { pod, reviewed }: ExplainWorld): Lacking | undefined {
  for (const { name, access } of reviewedFor(decision)) {
    const known = access?.mode === 'rbac' ? reviewed.get(name) : undefined;
    if (!access || !known || known.verdict === 'allowed') continue;
    const { subject, podWithoutMic } = access;
    if (known.verdict === 'denied')
      return {
        verdict: 'denied',
        denial: {
          why: 'access-denied',
          identity: name,
          subject,
          targets: known.targets,
          ...(podWithoutMic !== undefined && { podWithoutMic }),
        },
      };
    return { verdict: 'unanswered', failure: { kind: 'access-unanswered', pod: pod.key, identity: name } };
  }
  return undefined;
}

/** Whether the ServiceAccount may use this identity; nothing in mode `namespace`. */
export function explainAccess(identity: GrantedIdentity, { reviewed }: ExplainWorld): Finding[] {
  const { access, name } = identity;
  const known = reviewed.get(name);
  if (!access || !known) return [];
  const account = accountOf(access);
  switch (known.verdict) {
    case 'allowed':
      return [ok('access', `${account} may use ${name}`)];
    case 'unanswered':
      return [
        waiting('access', `the API server does not say whether ${account} may use ${name}`, allowReviews),
      ];
    case 'denied':
      return [missing(access, known.targets, `${account} may not use ${name}`)];
  }
}

const allowReviews = {
  text: 'allow create of subjectaccessreviews.authorization.k8s.io to whoever runs this (deploy/base/nmi/rbac.yaml)',
};

function missing(access: Access, targets: readonly AccessTarget[], text: string): Finding {
  const { yaml, checks } = rolesFor({ subjects: [access.subject], targets });
  const remedy = {
    text: 'as a cluster administrator, kubectl apply -f - with what follows, then check',
    paste: yaml,
    command:
      access.podWithoutMic === undefined ? checks.join(' && ') : inNmi(`explain ${access.podWithoutMic}`),
  };
  return access.mode === 'warn'
    ? info('access', `${text}: --identity-access=rbac would refuse it`, remedy)
    : problem('access', text, remedy);
}

/** Which machine it is cannot be told from here. */
export function explainMachineAccess(access: Access | undefined): Finding[] {
  if (access?.mode !== 'rbac') return [];
  const { namespace, name } = access.subject;
  const remedy =
    access.podWithoutMic === undefined
      ? {
          text: 'look, with the ARM id of the virtual machine or of the scale set of its node',
          command: inMic(`access ${namespace}/${name} ID`),
        }
      : { text: 'grant it on the virtual machine or on the scale set of its node: see docs/permissions.md' };
  return [
    info(
      'access',
      `${accountOf(access)} must be allowed to use the machine, else no exception counts`,
      remedy,
    ),
  ];
}

function accountOf({ subject: { namespace, name } }: Access): string {
  return `ServiceAccount ${namespace}/${name}`;
}

/** Who decides, for the last line. */
export function accessRules({ pod, view, rules }: ExplainWorld): string {
  switch (accessModeOf(pod.namespace, view, rules)) {
    case 'namespace':
      return 'whoever may write an AzureIdentity may use the identity that it names (--identity-access=namespace)';
    case 'warn':
      return 'missing rights are only reported (--identity-access=warn)';
    case 'rbac':
      return 'rights on Azure identities decide (--identity-access=rbac)';
  }
}
