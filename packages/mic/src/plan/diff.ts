// What one pod should have, against the AzureAssignedIdentities there are. Meanings are compared, never versions: whoever
// edits a label or an annotation of an identity must not take tokens away from running pods.
import type { ResourceId } from '@pod-identity/crd-types';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import { keyOf } from '../snapshot/keys.ts';
import type { PodKey, AssignedView } from '../snapshot/views.ts';
import type { Assignment, AssignmentStep, DeleteReason } from './types.ts';

/**
 * An editor may write any number that name a pod. Those that are left are removed by the next plan: each removal makes the pod
 * dirty.
 */
const removedAtOnce = 500;

/** By AzureIdentity, and by object (`namespace/name`). */
export interface Undecided {
  readonly identities: ReadonlySet<string>;
  readonly names: ReadonlySet<string>;
}

export interface Wanted {
  readonly assignments: readonly Assignment[];
  /** Nothing of these is created, changed or removed. */
  readonly undecided: Undecided;
  readonly denied: ReadonlySet<string>;
  /** The host is known not to carry the identity, and will not get it now. */
  readonly isMissing: (id: ResourceId) => boolean;
  /** What is not wanted stays for now: the pod is looked at for the sake of what it waits for. */
  readonly keepsOthers: boolean;
}

/** What the pod is to have comes first, then what has to go. */
export function diffPod(
  index: ClusterIndex,
  key: PodKey,
  { assignments, undecided, denied, isMissing, keepsOthers }: Wanted,
): AssignmentStep[] {
  const current = index.assignedOf(key);
  const byName = new Map(current.map((view) => [keyOf(view), view]));
  const kept = new Set<AssignedView>();
  const steps = assignments.flatMap((assignment) => {
    const held = byName.get(`${assignment.objectNamespace}/${assignment.objectName}`);
    if (!held) return [{ kind: 'create', assignment } as const];
    kept.add(held);
    return compare(assignment, held, isMissing);
  });
  const isUndecided = (view: AssignedView) =>
    undecided.identities.has(view.identity) || undecided.names.has(keyOf(view));
  const isSurplus = (view: AssignedView) => !kept.has(view) && !isStuck(view) && !isUndecided(view);
  const surplus = keepsOthers ? [] : current.filter(isSurplus).slice(0, removedAtOnce);
  const wanted = new Set(assignments.map(({ identity }) => keyOf(identity.metadata)));
  const removals = surplus.map((view) => remove(view, whyDelete(index, view, { wanted, denied })));
  return [...steps.sort(byObject), ...removals.sort(byObject)];
}

/** Deleted, and kept by the finalizer of somebody else: an editor may write any number that would be deleted again and again. */
function isStuck({ isEnding, hasFinalizer }: AssignedView): boolean {
  return isEnding === true && !hasFinalizer;
}

/**
 * An object that says the right thing needs at most to be brought to Assigned, also from the original's Unassigned. One that says
 * Assigned of an identity that the host lacks is corrected, or its pod would not be told that it waits: editors can write one.
 */
function compare(
  assignment: Assignment,
  current: AssignedView,
  isMissing: Wanted['isMissing'],
): AssignmentStep[] {
  if (isLeftover(current) || !saysTheSame(assignment, current))
    return [{ kind: 'update', assignment, current }];
  const { resourceId } = assignment;
  switch (current.state) {
    case 'Assigned':
    case '':
      return resourceId !== undefined && isMissing(resourceId)
        ? [{ kind: 'update', assignment, current }]
        : [];
    case 'Created':
    case 'Unassigned':
      return [{ kind: 'confirm', assignment, current }];
  }
}

/** Of the original: once no MIC is left its finalizer keeps a namespace from being deleted; its objects of before 1.5.3 have no label. */
function isLeftover({ hasFinalizer, isMislabelled }: AssignedView): boolean {
  return hasFinalizer || isMislabelled === true;
}

/** The original's objects of before 1.5 have no state, and were usable as soon as they existed. */
export function saysAssigned({ state }: AssignedView): boolean {
  return state === 'Assigned' || state === '';
}

/** The original's objects do not tell the pod's uid. */
export function saysTheSame({ pod, identity, binding, meaning }: Assignment, current: AssignedView): boolean {
  return (
    current.meaning === meaning &&
    current.identity === keyOf(identity.metadata) &&
    current.binding === keyOf(binding.metadata) &&
    current.nodeName === pod.nodeName &&
    (current.podUid === undefined || current.podUid === pod.uid)
  );
}

function remove(current: AssignedView, why: DeleteReason): AssignmentStep {
  return { kind: 'delete', current, why };
}

interface Judged {
  readonly wanted: ReadonlySet<string>;
  readonly denied: ReadonlySet<string>;
}

function whyDelete(index: ClusterIndex, view: AssignedView, { wanted, denied }: Judged): DeleteReason {
  const pod = index.pod(`${view.podNamespace}/${view.podName}`);
  if (!pod) return index.place(view.nodeName).exists ? 'pod-gone' : 'node-gone';
  if (pod.finished) return 'pod-finished';
  // A pod of that name waits for a node: it cannot be the one that the object was made for.
  if (pod.nodeName === '') return 'pod-gone';
  if (!index.place(pod.nodeName).exists) return 'node-gone';
  if (wanted.has(view.identity)) {
    return view.nodeName === pod.nodeName ? 'duplicate' : 'pod-moved';
  }
  return denied.has(view.identity) ? 'access-denied' : whyNotWanted(index, view);
}

function whyNotWanted(index: ClusterIndex, view: AssignedView): DeleteReason {
  return index.identity(view.identity)?.kind === 'valid' ? 'unbound' : 'identity-gone';
}

function byObject(a: AssignmentStep, b: AssignmentStep): number {
  const [left, right] = [objectKey(a), objectKey(b)];
  return left < right ? -1 : Number(left > right);
}

/** Of the object that the step is about. */
export function objectKey(step: AssignmentStep): string {
  if (step.kind === 'delete') return keyOf(step.current);
  return `${step.assignment.objectNamespace}/${step.assignment.objectName}`;
}
