// Which AzureAssignedIdentities count in the share of their namespace. Editors may create such objects as well, equal to MIC's in
// every field; MIC removes those, as many at a time as a share holds.
import {
  assignedIdentityName,
  assignedIdentityNamespace,
  distinctAssignedIdentityName,
  type MatchingRules,
} from '@pod-identity/crd-types';
import type { Weight } from '@pod-identity/kit/kube';
import { keyOf } from '../keys.ts';
import type { AssignedView, PodView } from '../views.ts';
import type { ClusterIndex } from '../index/cluster-index.ts';
import type { MatchedIdentity } from '../index/match-set.ts';
import type { TakenNames } from './taken-names.ts';

/** What a record takes beside its texts in the store, in the index and for its pod's entry there. Measured: 1,200 to 1,500. */
const recordBytes = 1_500;

/**
 * A record that MIC needs is kept however many there are: MIC would write it again and again. There are at most two for each
 * identity of a pod.
 */
export function weighRecord(view: AssignedView, index: ClusterIndex, taken: Pick<TakenNames, 'has'>): Weight {
  const isExempt = taken.has(keyOf(view)) || isNeeded(view, index);
  return { bytes: bytesOf(view), isExempt };
}

function bytesOf({ namespace, name, podNamespace, podName, ...rest }: AssignedView): number {
  const { uid, nodeName, identity, binding, resourceId = '' } = rest;
  // The keys of the object and of its pod hold these texts once more.
  const keys = 2 * (namespace.length + name.length + podNamespace.length + podName.length);
  return recordBytes + keys + [uid, nodeName, identity, binding, resourceId].join('').length;
}

/** By its name, so that what an editor puts under it is seen, and corrected, as well. */
function isNeeded(view: AssignedView, index: ClusterIndex): boolean {
  const pod = index.pod(`${view.podNamespace}/${view.podName}`);
  if (!pod || pod.finished || pod.nodeName === '') return false;
  const { matches } = index.matchSetOf(pod);
  return matches.some((match) => isNamedFor(view, pod, { ...match, rules: index.rules }));
}

function isNamedFor(
  view: AssignedView,
  pod: PodView,
  { identity, identityKey, rules }: MatchedIdentity & { readonly rules: MatchingRules },
): boolean {
  if (assignedIdentityNamespace(identity, rules) !== view.namespace) return false;
  const { name: identityName, namespace: identityNamespace = '' } = identity.metadata;
  const parts = { podNamespace: pod.namespace, podName: pod.name, identityName };
  if (view.name === assignedIdentityName(parts)) return true;
  if (view.identity !== identityKey) return false;
  return view.name === distinctAssignedIdentityName({ ...parts, identityNamespace, podUid: pod.uid });
}
