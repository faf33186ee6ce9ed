import {
  isDefaultBinding,
  matchPod,
  parseIdentityResourceId,
  type Match,
  type MatchInput,
  type Mismatch,
} from '@pod-identity/crd-types';
import type { PodView } from '../identify/pod-view.ts';
import type { AuthorizeRules, Candidate, ClusterView, MatchedObjects } from './types.ts';

export interface Candidates {
  readonly candidates: readonly Candidate[];
  readonly mismatches: readonly Mismatch[];
}

/**
 * The identities that the pod may use, by the same rule as MIC. Only bindings and identities grant rights, and no record
 * (AzureAssignedIdentity) is read here: a right ends with its binding even if MIC is down.
 */
export function candidatesOf(pod: PodView, view: ClusterView, rules: AuthorizeRules): Candidates {
  const { matches, mismatches } = matchPod({ ...objectsOf(view, pod), pod, rules });
  return { candidates: matches.map(candidateOf), mismatches };
}

/** The bindings and identities, for `matchPod`. */
export function objectsOf(
  view: MatchedObjects,
  { namespace }: Pick<PodView, 'namespace'>,
): Omit<MatchInput, 'pod' | 'rules'> {
  return {
    bindingsWithSelector: (label) => view.bindingsWithSelector(label),
    bindingsWithConditions: (ns) => view.bindingsWithConditions(ns),
    bindingsReachingOut: (label) => view.bindingsReachingOut(label),
    identityOf: (ns, name) => view.identityOf(ns, name),
    namespaceLabels: view.namespaceOf(namespace)?.labels,
  };
}

function candidateOf({ identity, binding, isGuest }: Match): Candidate {
  const { metadata, spec } = identity;
  const hasResource = spec.type === 0 || spec.type === 3;
  const parsed = hasResource ? parseIdentityResourceId(spec.resourceID ?? '') : undefined;
  return {
    identity,
    name: `${metadata.namespace ?? ''}/${metadata.name}`,
    resourceId: parsed?.ok ? parsed.value : undefined,
    clientId: (spec.clientID ?? '').toLowerCase(),
    isDefault: isDefaultBinding(binding),
    ...(isGuest && { isGuest }),
  };
}
