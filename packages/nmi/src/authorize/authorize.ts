// Room: which identity the pod may use, over a view of the cluster's objects.
// It must not get a token, or choose a status; it says what is wrong with an object, for the response.
import { bindingLabel, matchingRulesIn, type AccessMode, type Mismatch } from '@pod-identity/crd-types';
import { unboundBy, type UnboundContext } from '@pod-identity/policy';
import type { PodView } from '../identify/pod-view.ts';
import type { Selector } from '../request/token-request.ts';
import type { EntraSubject } from '../tokens/types.ts';
import { accessModeOf, accessToIdentity } from './access-needed.ts';
import { candidatesOf } from './candidates.ts';
import { federatedOf } from './federated.ts';
import { decideOnExempt, exemptionOf, invalidExceptionFor } from './exception.ts';
import { exemptionName } from './missing-right.ts';
import { principalOf } from './principal.ts';
import { selectIdentity, type Selection } from './select-identity.ts';
import type {
  AuthorizeRules,
  Candidate,
  ClusterView,
  Decision,
  Denial,
  Denied,
  GrantedIdentity,
  ManagedIdentity,
  Refused,
} from './types.ts';

/** Whether a pod may get a token, and of which identity, for a selector. Identities in `refused` count as not bound. */
export type Decider = (selector: Selector, refused?: Refused) => Decision;

const nothingRefused: Refused = new Set();

/** Evaluates the bindings of the pod, the expensive part, once for all selectors. */
export function deciderFor(pod: PodView, view: ClusterView, rules: AuthorizeRules): Decider {
  if (pod.tooLarge !== undefined) {
    const tooLarge: Decision = { kind: 'deny', denial: { why: 'pod-too-large', fault: pod.tooLarge } };
    return () => tooLarge;
  }
  const decideBy = deciderForServed(pod, view, rules);
  let invalid: { readonly found: ReturnType<typeof invalidExceptionFor> } | undefined;
  return (selector, refused) => {
    const decision = decideBy(selector, refused);
    if (decision.kind !== 'deny') return decision;
    const { found: invalidException } = (invalid ??= { found: invalidExceptionFor(pod, view, rules) });
    return invalidException === undefined
      ? decision
      : { ...decision, denial: { ...decision.denial, invalidException } };
  };
}

function deciderForServed(pod: PodView, view: ClusterView, rules: AuthorizeRules): Decider {
  const exemption = exemptionOf(pod, view, rules);
  if (exemption === undefined) return deciderForBound(pod, view, rules);
  let bound: Decider | undefined;
  return (selector, refused = nothingRefused) => {
    if (!refused.has(exemptionName)) return decideOnExempt(exemption, selector);
    bound ??= deciderForBound(pod, view, rules);
    return bound(selector, refused);
  };
}

/** Decides by bindings, without exceptions. */
function deciderForBound(pod: PodView, view: ClusterView, rules: AuthorizeRules): Decider {
  const mode = accessModeOf(pod.namespace, view, rules);
  const { candidates, mismatches } = candidatesOf(pod, view, matchingRulesIn(mode, rules));
  const grants: Grants = { pod, rules, mode };
  /** The same for all object ids, which may be as many as requests. */
  let byObjectId: Decision | undefined;
  if (candidates.length > 0)
    return (selector, refused = nothingRefused) => {
      const isAll = !candidates.some(({ name }) => refused.has(name));
      if (isAll && selector.by === 'object-id')
        return (byObjectId ??= decideAmong(candidates, { selector, grants }));
      const left = isAll ? candidates : withoutRefused(candidates, refused);
      const isUnbound = left.length === 0 && candidates.every(isGuest);
      return isUnbound ? deny(notBound(pod)) : decideAmong(left, { selector, grants });
    };
  const unbound = deny(denialOf(pod, mismatches, view));
  return () => unbound;
}

/** If an own identity was refused, identities of other namespaces are not used either: whoever may write in another namespace must not decide what a request means. */
function withoutRefused(candidates: readonly Candidate[], refused: Refused): readonly Candidate[] {
  const isOwnRefused = candidates.some((one) => refused.has(one.name) && !isGuest(one));
  return candidates.filter((one) => !refused.has(one.name) && !(isOwnRefused && isGuest(one)));
}

const isGuest = (candidate: Candidate) => candidate.isGuest === true;

/** The common inputs of all grants of a pod. */
interface Grants {
  readonly pod: PodView;
  readonly rules: AuthorizeRules;
  readonly mode: AccessMode;
}

function decideAmong(
  candidates: readonly Candidate[],
  { selector, grants }: { readonly selector: Selector; readonly grants: Grants },
): Decision {
  const selection = selectIdentity(candidates, selector, grants.pod);
  switch (selection.kind) {
    case 'none': {
      const usable = selection.several ? withoutUnusable(candidates, grants) : [];
      if (usable.length > 0 && usable.length < candidates.length)
        return decideAmong(usable, { selector, grants });
      return {
        ...deny(selection.denial),
        // A pod with only guests may still get a binding of its own.
        ...(candidates.every(isGuest) && { mayCome: true }),
        ...amongSeveral(selection, grants),
      };
    }
    case 'one':
      return decideOn(selection.candidate, grants);
    case 'by-object-id':
      return decideByObjectId(selection, grants);
  }
}

/** In mode `rbac` guests that cannot be served: nobody has a right on them, so they make no request ambiguous. */
function withoutUnusable(candidates: readonly Candidate[], grants: Grants): readonly Candidate[] {
  if (grants.mode !== 'rbac') return candidates;
  return candidates.filter((one) => !isGuest(one) || typeof grantOf(one, grants) !== 'string');
}

/**
 * The identities whose rights are reviewed to find the only one that the pod may use. A pod with more of its own namespace must name one.
 * Of more guests the first are reviewed, and the next ones after these were refused, since other namespaces decide how many they offer.
 */
const mostReviewed = 16;

function amongSeveral({ several }: Extract<Selection, { readonly kind: 'none' }>, grants: Grants) {
  if (grants.mode !== 'rbac' || several === undefined) return {};
  if (several.length > mostReviewed && !several.every(isGuest)) return {};
  const among = several
    .slice(0, mostReviewed)
    .map((candidate) => grantOf(candidate, grants))
    .filter((one) => typeof one !== 'string');
  return among.length === 0 ? {} : { among };
}

function deny(denial: Denial): Denied {
  return mayAppear(denial) ? { kind: 'deny', denial, mayCome: true } : { kind: 'deny', denial };
}

/** Whether the cause is a missing object, and not a wrong label, request or object. */
function mayAppear(denial: Denial): boolean {
  if (denial.why === 'no-label' || denial.why === 'empty-label') return denial.isUnselected === true;
  return ofObjects[denial.why];
}

const ofObjects: Readonly<Record<Exclude<Denial['why'], 'no-label' | 'empty-label'>, boolean>> = {
  'no-account': false,
  'no-binding': true,
  'not-selected': true,
  'other-namespace': true,
  'identity-missing': true,
  'identity-invalid': false,
  'not-this-identity': true,
  'pod-too-large': false,
  'several-identities': false,
  'access-denied': false,
};

/** All identities that a live pod can get tokens of. */
export function identitiesOf(
  pod: PodView,
  view: ClusterView,
  rules: AuthorizeRules,
): readonly GrantedIdentity[] {
  const mayBeServed = pod.phase !== 'Succeeded' && pod.phase !== 'Failed' && pod.tooLarge === undefined;
  const exemption = exemptionOf(pod, view, rules);
  // In mode `rbac`, an exempt pod without the right on the machine is treated as an ordinary pod.
  if (!mayBeServed || (exemption && exemption.access?.mode !== 'rbac')) return [];
  const mode = accessModeOf(pod.namespace, view, rules);
  return candidatesOf(pod, view, matchingRulesIn(mode, rules)).candidates.flatMap((candidate) => {
    const identity = grantOf(candidate, { pod, rules, mode });
    return typeof identity === 'string' ? [] : [identity];
  });
}

function decideOn(candidate: Candidate, grants: Grants): Decision {
  const identity = grantOf(candidate, grants);
  return typeof identity === 'string'
    ? { kind: 'unusable', identity: candidate.name, fault: identity }
    : { kind: 'allow', identity };
}

/** Object ids are known only from tokens, so tokens of all identities are requested. */
function decideByObjectId(
  selection: { readonly candidates: readonly Candidate[] },
  grants: Grants,
): Decision {
  const decisions = selection.candidates.map((candidate) => decideOn(candidate, grants));
  const identities = decisions.flatMap((decision) => (decision.kind === 'allow' ? [decision.identity] : []));
  const [other] = decisions;
  return identities.length === 0 && other ? other : { kind: 'allow-by-object-id', identities };
}

/** The identity to request a token of, or why it cannot be served. */
function grantOf(candidate: Candidate, { pod, rules, mode }: Grants): GrantedIdentity | string {
  const granted = describe(candidate, pod, rules);
  if (typeof granted === 'string') return granted;
  const needed = accessToIdentity(pod, mode, candidate.identity);
  if (needed === undefined || typeof needed === 'string') return needed ?? granted;
  const access = needed;
  if (granted.kind !== 'service-principal') return { ...granted, access };
  // Requests to Azure use exactly the names that were reviewed.
  const [tenantId, ...auxiliaryTenantIds] = [granted.tenantId, ...granted.auxiliaryTenantIds].map(lower);
  return { ...granted, tenantId: tenantId ?? '', auxiliaryTenantIds, access };
}

const lower = (text: string) => text.toLowerCase();

function describe(
  candidate: Candidate,
  pod: PodView,
  rules: AuthorizeRules,
): ManagedIdentity | EntraSubject | string {
  const { identity, name, resourceId, clientId } = candidate;
  if (identity.spec.type === 3) return federatedOf(candidate, pod, rules);
  if (identity.spec.type !== 0) return principalOf(candidate, rules);
  return resourceId === undefined
    ? 'its spec.resourceID names no user-assigned managed identity'
    : { kind: 'identity', name, resourceId, clientId };
}

/** Why the pod has no identity. Of several reasons matchPod returns missing identities first. */
function denialOf(pod: PodView, mismatches: readonly Mismatch[], view: ClusterView): Denial {
  const [first, last] = [mismatches[0], mismatches.at(-1)];
  // Who may write in another namespace must not change what waits: its names are left out.
  const mismatch = first?.reason === 'other-namespace' ? { reason: first.reason } : first;
  const unbound = (mismatch && unboundBy(mismatch, knownOf(pod, view))) ?? notBound(pod);
  return { ...unbound, ...(last?.reason === 'too-many-bindings' && { surplus: last.binding ?? '' }) };
}

/** What is known beside a mismatch. */
export function knownOf({ namespace, labels }: PodView, view: ClusterView): UnboundContext {
  return {
    label: labels[bindingLabel] ?? '',
    faultOf: (identity) => {
      const [ownNamespace = '', name = ''] = identity.split('/');
      return view.faultOf(ownNamespace, name);
    },
    labelsFault: view.namespaceOf(namespace)?.labelsFault,
    isUnselected: view.selectsUnlabelled(namespace),
  };
}

function notBound({ labels }: PodView): Denial {
  return { why: 'no-binding', label: labels[bindingLabel] ?? '' };
}
