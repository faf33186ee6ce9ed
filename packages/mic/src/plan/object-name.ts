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
const maxNamespaceLength = 63;

/**
 * The object names for the matches of a pod, in the same order. An existing object of the assignment keeps its name if it is one of
 * the two that MIC uses; objects with other names were written by editors. In a namespace over its share, NMI keeps records with
 * these names.
 */
export function objectNames(known: Known, pod: PodView, matches: readonly MatchedIdentity[]): ObjectName[] {
  const records = known.records.of(keyOf(pod));
  const held = new Map(records.map((record) => [keyOf(record), record.identity]));
  // Few names have a hash, which costs as much as the rest of a plan.
  const mayHoldDistinct = records.some(({ name }) => endsInHash.test(name));
  const plain = matches.map((match) => ({ match, own: plainName(known.index, pod, match) }));
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
    const isDistinct =
      (mayHoldDistinct && held.has(keyOf(distinct()))) || (!held.has(keyOf(own)) && isTaken(known, pod, own));
    return isDistinct ? distinct() : own;
  });
}

/**
 * Whether MIC gives this name to an identity of the record's pod, whether or not the pod may use it. Decides by name, so that MIC corrects
 * what an editor writes under it.
 */
export function isNeeded(view: AssignedView, index: ClusterIndex): boolean {
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

function isTaken(known: Known, pod: PodView, own: ObjectName): boolean {
  if (own.name.length > maxNameLength) return true;
  const holder = known.records.at(keyOf(own));
  if (holder) return holder.podName !== pod.name || holder.podNamespace !== pod.namespace;
  return rivals(known, pod, own).some((rival) => goesFirst(rival, pod));
}

/** Other pods that can claim this name and hold no object for it yet, found by every other way to split the name. */
function rivals({ index, records }: Known, pod: PodView, own: ObjectName): PodView[] {
  // If everything is namespaced, only pods of the same namespace have objects in one namespace.
  const isRivals = index.isClosed
    ? (namespace: string) => namespace === pod.namespace
    : (namespace: string) => index.hasPodsIn(namespace);
  return readings(own.name, isRivals).flatMap(({ namespace, podName, identityName }) => {
    const other = index.pod(`${namespace}/${podName}`);
    if (!other || isSamePod(other, pod) || !isPlaced(index, other)) return [];
    const { matches } = index.matchSetOf(other);
    const match = matches.find(({ identity }) => identity.metadata.name === identityName);
    if (!match || assignedIdentityNamespace(match.identity, index.rules) !== own.namespace) return [];
    const holds = records.of(keyOf(other)).some(({ identity }) => identity === match.identityKey);
    return holds ? [] : [other];
  });
}

interface Reading {
  readonly podName: string;
  readonly namespace: string;
  readonly identityName: string;
}

/** Splits a name at each pair of hyphens; most splits name a namespace that does not exist. */
function readings(name: string, isNamespace: (text: string) => boolean): Reading[] {
  const found: Reading[] = [];
  for (let first = name.indexOf('-'); first !== -1; first = name.indexOf('-', first + 1)) {
    for (let second = name.indexOf('-', first + 1); second !== -1; second = name.indexOf('-', second + 1)) {
      if (second - first - 1 > maxNamespaceLength) break;
      const namespace = name.slice(first + 1, second);
      if (!isNamespace(namespace)) continue;
      found.push({ podName: name.slice(0, first), namespace, identityName: name.slice(second + 1) });
    }
  }
  return found;
}

function isPlaced(index: ClusterIndex, pod: PodView): boolean {
  return isScheduled(pod) && index.place(pod.nodeName).exists;
}

function isScheduled({ finished, nodeName }: PodView): boolean {
  return !finished && nodeName !== '';
}

function goesFirst(a: PodView, b: PodView): boolean {
  return a.createdAt === b.createdAt ? keyOf(a) < keyOf(b) : a.createdAt < b.createdAt;
}

function isSamePod(a: PodView, b: PodView): boolean {
  return a.name === b.name && a.namespace === b.namespace;
}
