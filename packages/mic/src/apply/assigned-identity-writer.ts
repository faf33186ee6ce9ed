// All writes of AzureAssignedIdentities. Every write is fenced by the term and returns a value; one request for each step, two if the
// original's finalizer has to be removed.
import { assignedIdentityFinalizer, type AzureAssignedIdentity } from '@pod-identity/crd-types';
import { KubeError, type LeaderTerm, type ResourceClient } from '@pod-identity/kit/kube';
import type { Assignment } from '../plan/types.ts';
import type { AssignedView } from '../snapshot/views.ts';
import { assignedObject, assignedStatus, type WrittenState } from './assigned-object.ts';

export type WriteOutcome =
  | { readonly kind: 'written'; readonly resourceVersion: string; readonly uid?: string }
  | { readonly kind: 'removed' }
  /** The object is not as MIC knew it: it is to be read before the next plan. `isRefusal`: another pod's object has the name. */
  | { readonly kind: 'stale'; readonly message: string; readonly isRefusal?: true }
  /** The term is over: nothing was sent. */
  | { readonly kind: 'fenced' }
  /** `isRefusal`: the API server refuses it, for example by a quota or a policy. That usually lasts. */
  | { readonly kind: 'failed'; readonly message: string; readonly isRefusal?: true };

type Resource = ResourceClient<AzureAssignedIdentity>;

export class AssignedIdentityWriter {
  readonly #resource: Resource;
  readonly #term: LeaderTerm;

  constructor(resource: Resource, term: LeaderTerm) {
    this.#resource = resource;
    this.#term = term;
  }

  create(assignment: Assignment, state: WrittenState): Promise<WriteOutcome> {
    return this.#fenced((signal) => this.#create(assignment, state, signal));
  }

  /**
   * Replaces the whole object: a merge would keep fields of the previous identity. Also removes the finalizer. An object of an earlier
   * pod of that name is removed and created, since the garbage collector may be about to delete it; so is one that is deleted already.
   */
  update(assignment: Assignment, current: AssignedView, state: WrittenState): Promise<WriteOutcome> {
    const object = replacing(assignedObject(assignment, state), current.resourceVersion);
    const isOfEarlierPod = current.podUid !== undefined && current.podUid !== assignment.pod.uid;
    return this.#fenced(async (signal) => {
      if (isOfEarlierPod && !current.isEnding) {
        const removed = await this.#remove(current, signal);
        return removed.kind === 'removed' ? this.#create(assignment, state, signal) : removed;
      }
      const replaced = await this.#resource.replace(object, { signal });
      // Without a finalizer an object that is deleted already is gone now.
      return current.isEnding ? this.#create(assignment, state, signal) : written(replaced);
    });
  }

  confirm(current: AssignedView): Promise<WriteOutcome> {
    const { resourceVersion } = current;
    const patch = { status: assignedStatus('Assigned') };
    return this.#fenced(async (signal) => {
      const options = { resourceVersion, signal };
      return written(await this.#resource.patch(keyOf(current), patch, options));
    });
  }

  remove(current: AssignedView): Promise<WriteOutcome> {
    return this.#fenced((signal) => this.#remove(current, signal));
  }

  async #create(assignment: Assignment, state: WrittenState, signal: AbortSignal): Promise<WriteOutcome> {
    if (!this.#term.holds()) return { kind: 'fenced' };
    try {
      const created = await this.#resource.create(assignedObject(assignment, state), {
        signal,
      });
      return written(created);
    } catch (error) {
      if (!(error instanceof KubeError && error.code === 'not-found')) throw error;
      // Its namespace or its kind is gone: nothing was removed, and the pod still waits.
      return { kind: 'failed', message: error.message, isRefusal: true };
    }
  }

  /** Removes the finalizer first: after that, anyone can delete the object even if this fails. */
  async #remove(current: AssignedView, signal: AbortSignal): Promise<WriteOutcome> {
    try {
      const resourceVersion = current.hasFinalizer
        ? await releaseFinalizer(this.#resource, current, signal)
        : current.resourceVersion;
      if (!this.#term.holds()) return { kind: 'fenced' };
      const { uid } = current;
      // With the version too: an object that now belongs to another pod can have the same uid.
      await this.#resource.delete(keyOf(current), { uid, resourceVersion, signal });
    } catch (error) {
      if (!(error instanceof KubeError && error.code === 'not-found')) throw error;
    }
    return { kind: 'removed' };
  }

  async #fenced(write: (signal: AbortSignal) => Promise<WriteOutcome>): Promise<WriteOutcome> {
    if (!this.#term.holds()) return { kind: 'fenced' };
    try {
      return await write(this.#term.signal);
    } catch (error) {
      if (error instanceof KubeError) return refusal(error);
      throw error;
    }
  }
}

function written({ metadata }: AzureAssignedIdentity): WriteOutcome {
  const { uid, resourceVersion = '' } = metadata;
  return { kind: 'written', resourceVersion, ...(uid !== undefined && { uid }) };
}

/** Returns the new version. Fails for an object that has changed: it may be another pod's by now. */
async function releaseFinalizer(
  resource: Resource,
  current: AssignedView,
  signal: AbortSignal,
): Promise<string> {
  // Whole, since finalizers that were left out would be removed.
  const { metadata } = await resource.get(keyOf(current), { signal });
  const finalizers =
    metadata.finalizers?.filter((finalizer) => finalizer !== assignedIdentityFinalizer) ?? [];
  const { resourceVersion } = current;
  const options = { resourceVersion, signal };
  const released = await resource.patch(keyOf(current), { metadata: { finalizers } }, options);
  return released.metadata.resourceVersion ?? '';
}

/** The object is not as MIC knew it. */
const unknown: ReadonlySet<KubeError['code']> = new Set(['conflict', 'already-exists', 'gone', 'not-found']);

function refusal({ code, message }: KubeError): WriteOutcome {
  if (code === 'aborted') return { kind: 'fenced' };
  if (unknown.has(code)) return { kind: 'stale', message };
  const isRefusal = code === 'denied' || code === 'invalid';
  return { kind: 'failed', message, ...(isRefusal && { isRefusal }) };
}

function replacing(object: AzureAssignedIdentity, resourceVersion: string): AzureAssignedIdentity {
  return { ...object, metadata: { ...object.metadata, resourceVersion } };
}

function keyOf({ namespace, name }: AssignedView) {
  return { namespace, name };
}
