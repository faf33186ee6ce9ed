// Compares what one pod should have with its AzureAssignedIdentities. Compares meanings, never versions: an edited label or
// annotation of an identity must not take tokens away from running pods.
import type { ResourceId } from '@pod-identity/crd-types';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import { keyOf, podOf } from '../snapshot/keys.ts';
import type { AssignedView } from '../snapshot/views.ts';
import type { Assignment, AssignmentStep, DeleteReason } from './types.ts';

/** Keys of AzureIdentities, and of objects (`namespace/name`). */
export interface Undecided {
  readonly identities: ReadonlySet<string>;
  readonly names: ReadonlySet<string>;
}

export interface Wanted {
  readonly assignments: readonly Assignment[];
  /** Objects of these are not created, changed or removed. */
  readonly undecided: Undecided;
  readonly denied: ReadonlySet<string>;
  /** Its records. */
  readonly current: readonly AssignedView[];
  /** Whether the host is known to lack the identity and will not get it now. */
  readonly isMissing: (id: ResourceId) => boolean;
}

/** The steps to what the pod should have, then the removals. */
export function diffPod(
  index: ClusterIndex,
  { assignments, undecided, denied, current, isMissing }: Wanted,
): AssignmentStep[] {
  const byName = new Map(current.map((view) => [keyOf(view), view]));
  const kept = new Set<AssignedView>();
  const steps = assignments.flatMap((assignment) => {
    const held = byName.get(`${assignment.objectNamespace}/${assignment.objectName}`);
    if (!held) return [{ kind: 'create', assignment } as const];
    kept.add(held);
    return stepsFor(assignment, held, isMissing);
  });
  const isUndecided = (view: AssignedView) =>
    undecided.identities.has(view.identity) || undecided.names.has(keyOf(view));
  const isSurplus = (view: AssignedView) => !kept.has(view) && !isStuck(view) && !isUndecided(view);
  const surplus = current.filter(isSurplus);
  const wanted = new Set(assignments.map(({ identity }) => keyOf(identity.metadata)));
  const removals = surplus.map((view): AssignmentStep => {
    return { kind: 'delete', current: view, why: whyDelete(index, view, { wanted, denied }) };
  });
  return [...steps.sort(byObject), ...removals.sort(byObject)];
}

/** Already deleted, and kept by a finalizer of another program: without this, MIC would delete it again and again. */
export function isStuck({ isEnding, hasFinalizer }: AssignedView): boolean {
  return isEnding === true && !hasFinalizer;
}

/**
 * A correct object needs at most a change to Assigned, also from the original's Unassigned. One that says Assigned although the
 * host lacks the identity is corrected, since otherwise its pod would not learn that it waits; editors can write such objects.
 */
function stepsFor(
  assignment: Assignment,
  current: AssignedView,
  isMissing: Wanted['isMissing'],
): AssignmentStep[] {
  if (isOfOriginal(current) || !saysTheSame(assignment, current))
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

/** Written by the original: its finalizer blocks the deletion of a namespace once no MIC runs; before 1.5.3 it set no label. */
function isOfOriginal({ hasFinalizer, isMislabelled }: AssignedView): boolean {
  return hasFinalizer || isMislabelled === true;
}

/** Objects of the original before 1.5 have no state and were usable at once. */
export function saysAssigned({ state }: AssignedView): boolean {
  return state === 'Assigned' || state === '';
}

/** The original's objects do not contain the pod's uid. */
export function saysTheSame({ pod, identity, binding, meaning }: Assignment, current: AssignedView): boolean {
  return (
    current.meaning === meaning &&
    current.identity === keyOf(identity.metadata) &&
    current.binding === keyOf(binding.metadata) &&
    current.nodeName === pod.nodeName &&
    (current.podUid === undefined || current.podUid === pod.uid)
  );
}

/** The removal of an object that no pod needs: see `isRecordNeeded`. */
export function leftoverStep(index: ClusterIndex, view: AssignedView): AssignmentStep & { kind: 'delete' } {
  const pod = index.pod(podOf(view));
  const wanted = new Set(pod ? index.matchSetOf(pod).matches.map(({ identityKey }) => identityKey) : []);
  return { kind: 'delete', current: view, why: whyDelete(index, view, { wanted, denied: new Set() }) };
}

interface DeleteContext {
  readonly wanted: ReadonlySet<string>;
  readonly denied: ReadonlySet<string>;
}

function whyDelete(index: ClusterIndex, view: AssignedView, { wanted, denied }: DeleteContext): DeleteReason {
  const pod = index.pod(podOf(view));
  if (!pod) return index.nodeHost(view.nodeName).exists ? 'pod-gone' : 'node-gone';
  if (pod.finished) return 'pod-finished';
  // A pod of that name has no node yet, so the object belongs to an earlier pod.
  if (pod.nodeName === '') return 'pod-gone';
  if (!index.nodeHost(pod.nodeName).exists) return 'node-gone';
  if (wanted.has(view.identity)) {
    return view.nodeName === pod.nodeName ? 'duplicate' : 'pod-moved';
  }
  return denied.has(view.identity) ? 'access-denied' : whyNotWanted(index, view);
}

function whyNotWanted(index: ClusterIndex, view: AssignedView): DeleteReason {
  return index.objects.identity(view.identity)?.kind === 'valid' ? 'unbound' : 'identity-gone';
}

function byObject(a: AssignmentStep, b: AssignmentStep): number {
  const [left, right] = [objectKey(a), objectKey(b)];
  return left < right ? -1 : Number(left > right);
}

/** `namespace/name` of the object that the step changes. */
export function objectKey(step: AssignmentStep): string {
  if (step.kind === 'delete') return keyOf(step.current);
  return `${step.assignment.objectNamespace}/${step.assignment.objectName}`;
}
