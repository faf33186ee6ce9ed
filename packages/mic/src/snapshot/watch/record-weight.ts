// Which AzureAssignedIdentities count towards the share of their namespace. Editors can create such objects too, equal to MIC's in
// every field; MIC removes them in batches of a share.
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

/** Memory for a record besides its texts: in the store, in the index and for its pod's entry there. Measured: 1,200 to 1,500. */
const recordBytes = 1_500;

/**
 * A record that MIC needs is always kept: otherwise MIC would write it again and again. There are at most two for each identity of a
 * pod.
 */
export function weighRecord(view: AssignedView, index: ClusterIndex, taken: Pick<TakenNames, 'has'>): Weight {
  const isExempt = taken.has(keyOf(view)) || isNeeded(view, index);
  return { bytes: bytesOf(view), isExempt };
}

function bytesOf({ namespace, name, podNamespace, podName, ...rest }: AssignedView): number {
  const { uid, nodeName, identity, binding, resourceId = '' } = rest;
  // The keys of the object and of its pod contain these texts again.
  const keys = 2 * (namespace.length + name.length + podNamespace.length + podName.length);
  return recordBytes + keys + [uid, nodeName, identity, binding, resourceId].join('').length;
}

/** Decides by name, so that MIC also sees and corrects what an editor writes under it. */
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
