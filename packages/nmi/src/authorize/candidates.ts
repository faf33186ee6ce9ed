import {
  isDefaultBinding,
  matchPod,
  parseIdentityResourceId,
  type Match,
  type MatchQuestion,
  type Mismatch,
  type ResourceId,
} from '@pod-identity/crd-types';
import type { PodView } from '../identify/pod-view.ts';
import type { AuthorizeRules, Candidate, CandidateState, ClusterView, MatchedObjects } from './types.ts';

export interface Candidates {
  readonly candidates: readonly Candidate[];
  readonly mismatches: readonly Mismatch[];
}

/**
 * The identities that the pod may use, by the same rule as MIC. Only bindings and identities grant rights; a record (AzureAssignedIdentity)
 * only says that the identity is attached to the host. So a forged record grants nothing, and a right ends with its binding even if MIC is down.
 */
export function candidatesOf(pod: PodView, view: ClusterView, rules: AuthorizeRules): Candidates {
  const { matches, mismatches } = matchPod({ ...objectsOf(view, pod), pod, rules });
  // Several identities can be the same resource, which may have thousands of forged records.
  const states = new Map<ResourceId, CandidateState>();
  const stateOnce = (resourceId: ResourceId): CandidateState => {
    const state = states.get(resourceId) ?? stateOf(resourceId, pod, view);
    states.set(resourceId, state);
    return state;
  };
  return {
    candidates: matches.map((match) => candidateOf(match, rules, stateOnce)),
    mismatches,
  };
}

/** The bindings and identities, for `matchPod`. */
export function objectsOf(
  view: MatchedObjects,
  { namespace }: Pick<PodView, 'namespace'>,
): Omit<MatchQuestion, 'pod' | 'rules'> {
  return {
    bindingsWithSelector: (label) => view.bindingsWithSelector(label),
    bindingsWithoutSelector: (pod) => view.bindingsWithoutSelector(pod),
    bindingsReachingOut: (label) => view.bindingsReachingOut(label),
    identityOf: (ns, name) => view.identityOf(ns, name),
    namespaceLabels: view.namespaceOf(namespace)?.labels,
  };
}

function candidateOf(
  { identity, binding, isGuest }: Match,
  rules: AuthorizeRules,
  stateFor: (resourceId: ResourceId) => CandidateState,
): Candidate {
  const { metadata, spec } = identity;
  const parsed = spec.type === 0 ? parseIdentityResourceId(spec.resourceID ?? '') : undefined;
  const resourceId = parsed?.ok ? parsed.value : undefined;
  const needsHost = resourceId !== undefined && rules.mode === 'standard';
  return {
    identity,
    name: `${metadata.namespace ?? ''}/${metadata.name}`,
    resourceId,
    clientId: (spec.clientID ?? '').toLowerCase(),
    isDefault: isDefaultBinding(binding),
    ...(isGuest && { isGuest }),
    state: needsHost ? stateFor(resourceId) : 'ready',
  };
}

/**
 * Whether the resource is attached to the host. A record of any pod of this node is enough, since the identity is attached to the host.
 * Records of versions before 1.5 have no state and count as assigned for their own pod.
 */
function stateOf(resourceId: ResourceId, pod: PodView, view: ClusterView): CandidateState {
  let state: CandidateState = 'unseen';
  for (const record of view.assignedOnNode(resourceId)) {
    const isOwn = record.pod === pod.name && record.podNamespace === pod.namespace;
    if (record.state === 'Assigned' || (isOwn && record.state === '')) return 'ready';
    if (isOwn && record.state === 'Created') state = 'created';
  }
  return state;
}
