// Names the AzureAssignedIdentity of an assignment. The original's names are plain concatenations; MIC keeps them for operators,
// although two pods can get the same one (`a-b` in `c`, `a` in `b-c`) and one can be too long.
import {
  assignedIdentityName,
  assignedIdentityNamespace,
  distinctAssignedIdentityName,
} from '@pod-identity/crd-types';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import { keyOf, podOf } from '../snapshot/keys.ts';
import type { MatchedIdentity } from '../snapshot/index/match-set.ts';
import type { AssignedView, PodView } from '../snapshot/views.ts';
import type { Known } from './records.ts';

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

const maxNameLength = 253;

/**
 * The object names for the matches of a pod, in the same order. An existing object of the assignment keeps its name if it is one of
 * the two that MIC uses; objects with other names were written by editors. Of two pods that may have one name the API server gives it to
 * the first that writes: the other is planned again then.
 */
export function objectNames(
  { index, records }: Known,
  pod: PodView,
  matches: readonly MatchedIdentity[],
): ObjectName[] {
  const held = new Map(records.of(keyOf(pod)).map((record) => [keyOf(record), record.identity]));
  // Few names have a hash, which costs as much as the rest of a plan.
  const mayHoldDistinct = [...held.keys()].some((key) => endsInHash.test(key));
  const plain = matches.map((match) => ({ match, own: plainName(index, pod, match) }));
  // Identities of several namespaces can have one name: the one that has the record keeps it.
  const owners = new Map<string, string>();
  for (const { match, own } of plain)
    if (!owners.has(keyOf(own)) || held.get(keyOf(own)) === match.identityKey)
      owners.set(keyOf(own), match.identityKey);
  return plain.map(({ match, own }) => {
    const distinct = () => distinctName(pod, match, own.namespace);
    if (owners.get(keyOf(own)) !== match.identityKey) return distinct();
    // Its own record keeps its name: a plain one that another identity leaves is no reason to write it again.
    if (held.get(keyOf(own)) === match.identityKey) return own;
    const isOfOther = records.at(keyOf(own)) !== undefined && !held.has(keyOf(own));
    const isTaken = isOfOther || own.name.length > maxNameLength;
    return isTaken || (mayHoldDistinct && held.has(keyOf(distinct()))) ? distinct() : own;
  });
}

/**
 * Whether MIC gives this name to an identity of the record's pod, whether or not the pod may use it. Decides by name, so that MIC corrects
 * what an editor writes under it.
 */
export function isRecordNeeded(view: AssignedView, index: ClusterIndex): boolean {
  const pod = index.pod(podOf(view));
  if (!pod || !isScheduled(pod)) return false;
  return index.matchSetOf(pod).matches.some((match) => {
    const own = plainName(index, pod, match);
    const isDistinct = () => distinctName(pod, match, own.namespace).name === view.name;
    if (own.namespace !== view.namespace) return false;
    return own.name === view.name || (match.identityKey === view.identity && isDistinct());
  });
}

/** As `distinctAssignedIdentityName` ends. */
const endsInHash = /-[0-9a-f]{16}$/;

function plainName(index: ClusterIndex, pod: PodView, { identity }: MatchedIdentity): ObjectName {
  const identityName = identity.metadata.name;
  return {
    namespace: assignedIdentityNamespace(identity, index.rules),
    name: assignedIdentityName({ podNamespace: pod.namespace, podName: pod.name, identityName }),
  };
}

function distinctName(pod: PodView, { identity }: MatchedIdentity, namespace: string): ObjectName {
  const name = distinctAssignedIdentityName({
    podNamespace: pod.namespace,
    podName: pod.name,
    identityNamespace: identity.metadata.namespace ?? '',
    identityName: identity.metadata.name,
    podUid: pod.uid,
  });
  return { namespace, name };
}

function isScheduled({ finished, nodeName }: PodView): boolean {
  return !finished && nodeName !== '';
}
