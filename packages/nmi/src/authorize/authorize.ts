// Room: which identity the pod may use, over a view of the cluster's objects.
// It must not get a token, or choose a status or text.
import { absentOrLeftOut, bindingLabel, type Mismatch } from '@pod-identity/crd-types';
import type { PodView } from '../identify/pod-view.ts';
import type { Selector } from '../request/token-request.ts';
import { candidatesOf } from './candidates.ts';
import { exemptionOf, type Exemption } from './exception.ts';
import { principalOf } from './policy.ts';
import { selectIdentity } from './select-identity.ts';
import type {
  AuthorizeRules,
  BoundIdentity,
  Candidate,
  ClusterView,
  Decision,
  Denial,
  GrantedIdentity,
} from './types.ts';

export interface Question {
  readonly pod: PodView;
  readonly selector: Selector;
}

/** Whether this pod may get a token, and of which identity. */
export function authorize({ pod, selector }: Question, view: ClusterView, rules: AuthorizeRules): Decision {
  return rightsOf(pod, view, rules)(selector);
}

/** Evaluates the bindings of the pod, the expensive part, once for all selectors. */
export function rightsOf(
  pod: PodView,
  view: ClusterView,
  rules: AuthorizeRules,
): (selector: Selector) => Decision {
  if (pod.tooLarge !== undefined) {
    const tooLarge: Decision = { kind: 'deny', denial: { why: 'pod-too-large', fault: pod.tooLarge } };
    return () => tooLarge;
  }
  const exemption = exemptionOf(pod, view, rules);
  if (exemption !== undefined) return (selector) => decideOnExempt(exemption, selector);

  const { candidates, mismatches } = candidatesOf(pod, view, rules);
  if (candidates.length > 0) return (selector) => decideAmong(candidates, { pod, selector, rules });
  const unbound = deny(denialOf(pod, mismatches, view));
  return () => unbound;
}

function decideAmong(
  candidates: readonly Candidate[],
  { pod, selector, rules }: Question & { readonly rules: AuthorizeRules },
): Decision {
  const selection = selectIdentity(candidates, { selector, defaultIdentity: pod.defaultIdentity });
  switch (selection.kind) {
    case 'none':
      return deny(selection.denial);
    case 'one':
      return decideOn(selection.candidate, rules);
    case 'by-object-id':
      return decideByObjectId(selection, rules);
  }
}

function deny(denial: Denial): Decision {
  return mayCome(denial) ? { kind: 'deny', denial, mayCome: true } : { kind: 'deny', denial };
}

/** Whether the cause is a missing object, and not a wrong label, request or object. */
function mayCome(denial: Denial): boolean {
  return denial.why === 'identity-invalid' ? denial.fault === absentOrLeftOut : ofObjects[denial.why];
}

const ofObjects: Readonly<Record<Exclude<Denial['why'], 'identity-invalid'>, boolean>> = {
  'no-binding': true,
  'not-selected': true,
  'other-namespace': true,
  'identity-missing': true,
  'not-this-identity': true,
  'no-label': false,
  'empty-label': false,
  'pod-too-large': false,
  'several-identities': false,
};

/** All identities that a live pod can get tokens of. */
export function identitiesOf(
  pod: PodView,
  view: ClusterView,
  rules: AuthorizeRules,
): readonly BoundIdentity[] {
  const mayBeServed = pod.phase !== 'Succeeded' && pod.phase !== 'Failed' && pod.tooLarge === undefined;
  if (!mayBeServed || exemptionOf(pod, view, rules)) return [];
  return candidatesOf(pod, view, rules).candidates.flatMap((candidate) => {
    const identity = grantOf(candidate, rules);
    return typeof identity === 'string' ? [] : [{ identity, isReady: candidate.state === 'ready' }];
  });
}

/** An exempt pod may use the client ids of its exceptions. For other kinds of ids, the client id of the token is checked later. */
function decideOnExempt({ why, clientIds }: Exemption, selector: Selector): Decision {
  const pass = (meant: Selector): Decision => ({ kind: 'pass-through', why, selector: meant, clientIds });
  if (clientIds === undefined) return pass(selector);
  const offered = [...clientIds].sort();
  const [only = '', ...others] = offered;
  switch (selector.by) {
    case 'nothing':
      if (offered.length === 0) return { kind: 'deny', denial: { why: 'not-this-identity', offered } };
      return others.length === 0
        ? pass({ by: 'client-id', value: only })
        : { kind: 'deny', denial: { why: 'several-identities', offered } };
    case 'client-id':
      return clientIds.has(selector.value)
        ? pass(selector)
        : { kind: 'deny', denial: { why: 'not-this-identity', offered } };
    case 'object-id':
    case 'resource-id':
      return pass(selector);
  }
}

function decideOn(candidate: Candidate, rules: AuthorizeRules): Decision {
  const identity = grantOf(candidate, rules);
  if (typeof identity === 'string') return { kind: 'unusable', identity: candidate.name, fault: identity };
  if (candidate.state === 'ready') return { kind: 'allow', identity };
  return { kind: 'pending', seen: candidate.state === 'created' ? 'created' : 'nothing', identity };
}

/** Object ids are known only from tokens, so tokens of all ready identities are requested. */
function decideByObjectId(
  selection: { candidates: readonly Candidate[]; objectId: string },
  rules: AuthorizeRules,
): Decision {
  const decisions = selection.candidates.map((candidate) => decideOn(candidate, rules));
  const identities = decisions.flatMap((decision) => (decision.kind === 'allow' ? [decision.identity] : []));
  const pending = decisions.flatMap((decision) => (decision.kind === 'pending' ? [decision.identity] : []));
  const other = decisions.find(({ kind }) => kind === 'pending') ?? decisions[0];
  if (identities.length === 0 && other) return other;
  return { kind: 'allow-by-object-id', identities, pending, objectId: selection.objectId };
}

/** The identity to request a token of, or why it cannot be served. */
function grantOf(candidate: Candidate, rules: AuthorizeRules): GrantedIdentity | string {
  const { identity, name, resourceId, clientId } = candidate;
  if (identity.spec.type !== 0) return principalOf(candidate, rules);
  return resourceId === undefined
    ? 'its spec.resourceID names no user-assigned managed identity'
    : { kind: 'identity', name, resourceId, clientId };
}

/** Why the pod has no identity. Of several reasons matchPod returns missing identities first. */
function denialOf(pod: PodView, [mismatch]: readonly Mismatch[], view: ClusterView): Denial {
  if (mismatch === undefined) return notBound(pod, view);
  const { reason, binding = '' } = mismatch;
  if (reason === 'identity-missing') return missing(mismatch, view);
  if (reason === 'not-selected') return { why: reason, binding };
  const isPlain = reason === 'no-label' || reason === 'empty-label' || reason === 'other-namespace';
  return isPlain ? { why: reason } : notBound(pod, view);
}

function notBound({ namespace, labels }: PodView, view: ClusterView): Denial {
  const leftOut = view.leavesOutBindings(namespace) ? { leftOut: true } : {};
  return { why: 'no-binding', label: labels[bindingLabel] ?? '', ...leftOut };
}

function missing({ binding = '', identity = '' }: Mismatch, view: ClusterView): Denial {
  const [namespace = '', name = ''] = identity.split('/');
  const fault = view.faultOf(namespace, name);
  return fault === undefined
    ? { why: 'identity-missing', binding, identity }
    : { why: 'identity-invalid', identity, fault };
}
