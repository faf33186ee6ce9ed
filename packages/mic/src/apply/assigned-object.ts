// An assignment as Kubernetes object, in the form that the original's NMI reads.
import {
  apiVersion,
  behaviorAnnotation,
  nodeLabel,
  podUidAnnotation,
  type AssignedState,
  type AzureAssignedIdentity,
  type AzureIdentity,
  type AzureIdentityBinding,
  type ObjectMeta,
} from '@pod-identity/crd-types';
import type { Assignment } from '../plan/types.ts';
import { keyOf } from '../snapshot/keys.ts';
import type { AssignedView, PodView } from '../snapshot/views.ts';

/** The states that this MIC writes. The original's `Unassigned` is omitted: only its own MIC reads it. */
export type WrittenState = Extract<AssignedState, 'Created' | 'Assigned'>;

export function assignedObject(assignment: Assignment, state: WrittenState): AzureAssignedIdentity {
  const { pod, identity, binding } = assignment;
  return {
    apiVersion,
    kind: 'AzureAssignedIdentity',
    metadata: {
      name: assignment.objectName,
      namespace: assignment.objectNamespace,
      labels: { [nodeLabel]: pod.nodeName },
      annotations: { [podUidAnnotation]: pod.uid },
      ...ownedBy(pod, assignment.objectNamespace),
    },
    spec: {
      azureIdentityRef: embeddedIdentity(identity),
      azureBindingRef: embeddedBinding(binding),
      pod: pod.name,
      podNamespace: pod.namespace,
      nodename: pod.nodeName,
    },
    status: assignedStatus(state),
  };
}

/** What a read of the written object would show. */
export function assignedView(
  assignment: Assignment,
  state: WrittenState,
  { uid = '', resourceVersion }: { readonly uid?: string; readonly resourceVersion: string },
): AssignedView {
  const { pod, identity, binding, meaning, resourceId } = assignment;
  return {
    namespace: assignment.objectNamespace,
    name: assignment.objectName,
    uid,
    resourceVersion,
    podNamespace: pod.namespace,
    podName: pod.name,
    podUid: pod.uid,
    nodeName: pod.nodeName,
    identity: keyOf(identity.metadata),
    binding: keyOf(binding.metadata),
    meaning,
    ...(resourceId !== undefined && { resourceId }),
    state,
    hasFinalizer: false,
  };
}

export function assignedStatus(state: WrittenState): AzureAssignedIdentity['status'] {
  return { status: state, availableReplicas: 1 };
}

/** Lets the garbage collector remove the object with its pod, even while no MIC runs; only possible in one namespace. */
function ownedBy(pod: PodView, namespace: string): Pick<ObjectMeta, 'ownerReferences'> {
  if (pod.namespace !== namespace) return {};
  return { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: pod.name, uid: pod.uid }] };
}

function embeddedIdentity({ metadata, spec }: AzureIdentity): AzureIdentity {
  return { apiVersion, kind: 'AzureIdentity', metadata: embeddedMeta(metadata), spec };
}

function embeddedBinding({ metadata, spec }: AzureIdentityBinding): AzureIdentityBinding {
  return { apiVersion, kind: 'AzureIdentityBinding', metadata: embeddedMeta(metadata), spec };
}

/** The parts of the copy that readers need. The rest (such as the last applied configuration) would double the object's size. */
function embeddedMeta({ name, namespace, uid, resourceVersion, annotations }: ObjectMeta): ObjectMeta {
  const behavior = annotations?.[behaviorAnnotation];
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(behavior === undefined ? {} : { annotations: { [behaviorAnnotation]: behavior } }),
  };
}
