// All writes of AzureAssignedIdentities. Every write is fenced by the term and returns a value; one request for each step, two if the
// original's finalizer has to be removed.
import {
  assignedIdentityFinalizer,
  fieldLimits,
  parseAzureAssignedIdentity,
  type AzureAssignedIdentity,
} from '@pod-identity/crd-types';
import {
  KubeError,
  wholeObject,
  type Fields,
  type LeaderTerm,
  type ResourceClient,
} from '@pod-identity/kit/kube';
import type { Assignment } from '../plan/types.ts';
import type { AssignedView } from '../snapshot/views.ts';
import { assignedObject, assignedStatus, type WrittenState } from './assigned-object.ts';

export type WriteOutcome =
  | { readonly kind: 'written'; readonly resourceVersion: string }
  | { readonly kind: 'removed' }
  /**
   * The object has changed since the plan: the next plan, from a newer view, handles it. `isRefusal`: another pod's object has the name,
   * which lasts as long as the view does not show that object.
   */
  | { readonly kind: 'stale'; readonly message: string; readonly isRefusal?: true }
  /** The term is over: nothing was sent. */
  | { readonly kind: 'fenced' }
  /** `isRefusal`: the API server refuses it, for example by a quota or a policy. That usually lasts. */
  | { readonly kind: 'failed'; readonly message: string; readonly isRefusal?: true };

export interface AssignedIdentityWriter {
  create(assignment: Assignment, state: WrittenState): Promise<WriteOutcome>;
  update(assignment: Assignment, current: AssignedView, state: WrittenState): Promise<WriteOutcome>;
  confirm(current: AssignedView): Promise<WriteOutcome>;
  remove(current: AssignedView): Promise<WriteOutcome>;
}

export interface WriterOptions {
  readonly resource: ResourceClient<AzureAssignedIdentity>;
  readonly term: LeaderTerm;
}

export function createAssignedIdentityWriter(options: WriterOptions): AssignedIdentityWriter {
  return new Writer(options);
}

/** The only part of the response that is needed. */
const versionOnly: Fields = { members: { metadata: { members: { resourceVersion: { upTo: 1024 } } } } };

type Resource = ResourceClient<AzureAssignedIdentity>;

class Writer implements AssignedIdentityWriter {
  readonly #resource: Resource;
  readonly #term: LeaderTerm;

  constructor({ resource, term }: WriterOptions) {
    this.#resource = resource;
    this.#term = term;
  }

  create(assignment: Assignment, state: WrittenState): Promise<WriteOutcome> {
    const object = assignedObject(assignment, state);
    return this.#fenced(async (signal) => {
      try {
        return written(await this.#resource.create(object, { signal, fields: versionOnly }));
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        if (error.code === 'already-exists') return this.#adopt(object, signal);
        // Its namespace or its kind is gone: nothing was removed, and the pod still waits.
        if (error.code === 'not-found') return { kind: 'failed', message: error.message, isRefusal: true };
        throw error;
      }
    });
  }

  /** Replaces the whole object: a merge would keep fields of the previous identity. Also removes the finalizer. */
  update(assignment: Assignment, current: AssignedView, state: WrittenState): Promise<WriteOutcome> {
    const object = replacing(assignedObject(assignment, state), current.resourceVersion);
    return this.#fenced(async (signal) =>
      written(await this.#resource.replace(object, { signal, fields: versionOnly })),
    );
  }

  confirm(current: AssignedView): Promise<WriteOutcome> {
    const { resourceVersion } = current;
    const patch = { status: assignedStatus('Assigned') };
    return this.#fenced(async (signal) =>
      written(
        await this.#resource.patch(keyOf(current), patch, {
          resourceVersion,
          signal,
          fields: versionOnly,
        }),
      ),
    );
  }

  /** Removes the finalizer first: after that, anyone can delete the object even if this fails. */
  remove(current: AssignedView): Promise<WriteOutcome> {
    return this.#fenced(async (signal) => {
      if (current.hasFinalizer) await releaseFinalizer(this.#resource, current, signal);
      if (!this.#term.holds()) return { kind: 'fenced' };
      await this.#resource.delete(keyOf(current), { uid: current.uid, signal });
      return { kind: 'removed' };
    });
  }

  /** The name is taken: by an earlier write whose response was lost, or by an object that the view does not show yet. */
  async #adopt(object: AzureAssignedIdentity, signal: AbortSignal): Promise<WriteOutcome> {
    const found = await this.#found(object, signal);
    if (!found) return { kind: 'failed', message: 'the object that had its name has just been deleted' };
    if (!isSameAssignment(found, object))
      return { kind: 'stale', message: 'its name is taken by another pod', isRefusal: true };
    if (!this.#term.holds()) return { kind: 'fenced' };
    const replacement = replacing(object, found.metadata.resourceVersion ?? '');
    return written(await this.#resource.replace(replacement, { signal, fields: versionOnly }));
  }

  async #found(object: AzureAssignedIdentity, signal: AbortSignal) {
    try {
      return await this.#resource.get(keyOf(object.metadata), {
        signal,
        fields: fieldLimits.AzureAssignedIdentity,
      });
    } catch (error) {
      if (error instanceof KubeError && error.code === 'not-found') return undefined;
      throw error;
    }
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

function written(object: AzureAssignedIdentity): WriteOutcome {
  return { kind: 'written', resourceVersion: object.metadata.resourceVersion ?? '' };
}

async function releaseFinalizer(
  resource: Resource,
  current: AssignedView,
  signal: AbortSignal,
): Promise<void> {
  // Whole, since finalizers that were left out would be removed.
  const { metadata } = await resource.get(keyOf(current), { signal, fields: wholeObject });
  const finalizers =
    metadata.finalizers?.filter((finalizer) => finalizer !== assignedIdentityFinalizer) ?? [];
  const { resourceVersion } = metadata;
  await resource.patch(
    keyOf(current),
    { metadata: { finalizers } },
    { signal, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
  );
}

function refusal({ code, message }: KubeError): WriteOutcome {
  if (code === 'not-found') return { kind: 'removed' };
  if (code === 'aborted') return { kind: 'fenced' };
  if (code === 'conflict' || code === 'already-exists' || code === 'gone') return { kind: 'stale', message };
  const isRefusal = code === 'denied' || code === 'invalid';
  return { kind: 'failed', message, ...(isRefusal && { isRefusal }) };
}

function replacing(object: AzureAssignedIdentity, resourceVersion: string): AzureAssignedIdentity {
  return { ...object, metadata: { ...object.metadata, resourceVersion } };
}

function isSameAssignment(found: unknown, wanted: AzureAssignedIdentity): boolean {
  const parsed = parseAzureAssignedIdentity(found);
  const keyOfAssignment = ({ spec }: AzureAssignedIdentity) =>
    [
      spec.podNamespace,
      spec.pod,
      spec.azureIdentityRef.metadata.namespace,
      spec.azureIdentityRef.metadata.name,
    ].join('/');
  return parsed.ok && keyOfAssignment(parsed.value) === keyOfAssignment(wanted);
}

function keyOf({ name, namespace }: { readonly name: string; readonly namespace?: string }) {
  return { name, ...(namespace === undefined ? {} : { namespace }) };
}
