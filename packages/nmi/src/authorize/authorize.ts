import { bindingLabel, type Mismatch, type MismatchReason } from '@pod-identity/crd-types';
import type { PodView } from '../identify/pod-view.ts';
import type { Selector } from '../request/token-request.ts';
import { candidatesOf } from './candidates.ts';
import { exemptionOf } from './exception.ts';
import { faultOf } from './policy.ts';
import { selectIdentity } from './select-identity.ts';
import type { AuthorizeRules, Candidate, ClusterView, Decision, Denial, GrantedIdentity } from './types.ts';

export interface Question {
  readonly pod: PodView;
  readonly selector: Selector;
}

/** May this pod have a token, and of which identity: the four rules in order, the first refusal keeps its reason. */
export function authorize({ pod, selector }: Question, view: ClusterView, rules: AuthorizeRules): Decision {
  const exemption = exemptionOf(pod, view, rules);
  if (exemption !== undefined) return { kind: 'pass-through', why: exemption };

  const { candidates, mismatches } = candidatesOf(pod, view, rules);
  if (candidates.length === 0) return { kind: 'deny', denial: denialOf(pod, mismatches, view) };

  const selection = selectIdentity(candidates, { selector, defaultIdentity: pod.defaultIdentity });
  switch (selection.kind) {
    case 'none':
      return { kind: 'deny', denial: selection.denial };
    case 'one':
      return decideOn(selection.candidate);
    case 'by-object-id':
      return decideByObjectId(selection);
  }
}

function decideOn(candidate: Candidate): Decision {
  const identity = grantOf(candidate);
  if (typeof identity === 'string') return { kind: 'unusable', identity: candidate.name, fault: identity };
  if (candidate.state === 'ready') return { kind: 'allow', identity };
  return { kind: 'pending', seen: candidate.state === 'created' ? 'created' : 'nothing', identity };
}

/** Nobody can tell whose object id it is until the identity has its first token: so all that are ready are asked. */
function decideByObjectId(selection: { candidates: readonly Candidate[]; objectId: string }): Decision {
  const decisions = selection.candidates.map(decideOn);
  const identities = decisions.flatMap((decision) => (decision.kind === 'allow' ? [decision.identity] : []));
  const pending = decisions.flatMap((decision) => (decision.kind === 'pending' ? [decision.identity] : []));
  const other = decisions.find(({ kind }) => kind === 'pending') ?? decisions[0];
  if (identities.length === 0 && other) return other;
  return { kind: 'allow-by-object-id', identities, pending, objectId: selection.objectId };
}

function grantOf(candidate: Candidate): GrantedIdentity | string {
  const { name, resourceId, clientId } = candidate;
  return (
    faultOf(candidate) ??
    (resourceId === undefined ? 'it has no resource id' : { kind: 'identity', name, resourceId, clientId })
  );
}

/** Which of several reasons helps most: what can be mended at the pod's own objects comes first. */
const helpful: readonly MismatchReason[] = [
  'no-label',
  'empty-label',
  'identity-missing',
  'other-namespace',
  'shadowed',
  'no-binding',
];

/** Why the pod has no identity at all. */
function denialOf(pod: PodView, mismatches: readonly Mismatch[], view: ClusterView): Denial {
  const [mismatch] = mismatches.toSorted((a, b) => helpful.indexOf(a.reason) - helpful.indexOf(b.reason));
  switch (mismatch?.reason) {
    case 'no-label':
    case 'empty-label':
    case 'other-namespace':
      return { why: mismatch.reason };
    case 'identity-missing':
      return missing(mismatch, view);
    case 'no-binding':
    case 'shadowed':
    case undefined:
      return { why: 'no-binding', label: pod.labels[bindingLabel] ?? '' };
  }
}

function missing({ binding = '', identity = '' }: Mismatch, view: ClusterView): Denial {
  const [namespace = '', name = ''] = identity.split('/');
  const fault = view.faultOf(namespace, name);
  return fault === undefined
    ? { why: 'identity-missing', binding, identity }
    : { why: 'identity-invalid', identity, fault };
}
