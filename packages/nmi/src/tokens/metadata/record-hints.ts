import {
  canonicalResourceId,
  nodeLabel,
  parseAzureAssignedIdentity,
  resources,
  type ResourceId,
} from '@pod-identity/crd-types';
import { createInformer, type Informer, type KubeAmbient } from '@pod-identity/kit/kube';

export interface RecordHintsOptions extends KubeAmbient {
  readonly node: string;
  /** Select records by the label of this node on the API server. The original can write records without the label. */
  readonly byNodeLabel: boolean;
  /** A record says that a pod of the namespace has the identity now. */
  readonly onAssigned: (namespace: string, identity: ResourceId) => void;
}

/** Small, since the API server builds a whole page in memory, of objects of up to 1.5 MB. */
const pageSize = 100;

/**
 * Watches the AzureAssignedIdentities of this node, which MIC writes, and which others may forge: each is a hint of when to ask the metadata
 * service again, and nothing else. None is kept, so their number costs no memory, and nothing waits for this watch.
 */
export function createRecordHints({
  node,
  byNodeLabel,
  onAssigned,
  ...common
}: RecordHintsOptions): Informer<never> {
  // A label value has at most 63 characters: records of nodes with longer names have no such label.
  const isByLabel = byNodeLabel && node.length <= 63;
  return createInformer<never>({
    ...common,
    kind: resources.AzureAssignedIdentity,
    ...(isByLabel && { labelSelector: `${nodeLabel}=${node}` }),
    pageSize,
    isPerNode: true,
    trim: (object) => {
      const parsed = parseAzureAssignedIdentity(object);
      if (!parsed.ok) return undefined;
      const { spec, status } = parsed.value;
      // Before 1.5 records had no state.
      const isAssigned = status.status === 'Assigned' || status.status === '';
      if (isAssigned && spec.nodename === node)
        onAssigned(spec.podNamespace, canonicalResourceId(spec.azureIdentityRef.spec.resourceID ?? ''));
      return undefined;
    },
  });
}
