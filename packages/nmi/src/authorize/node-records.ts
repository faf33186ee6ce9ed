// The AzureAssignedIdentities of this node: the identities that are attached to its host, according to MIC. Editors of namespaces can
// create such objects too.
import {
  assignedIdentityName,
  assignedIdentityNamespace,
  canonicalResourceId,
  distinctAssignedIdentityName,
  fieldLimits,
  nodeLabel,
  parseAzureAssignedIdentity,
  resources,
  tooLargeProblems,
  type AzureAssignedIdentity,
  type AzureIdentity,
} from '@pod-identity/crd-types';
import { createInformer, tooLargeIn, type Informer, type InformerOptions } from '@pod-identity/kit/kube';
import type { PodView } from '../identify/pod-view.ts';
import type { NodeRecord } from './types.ts';

/** Common to the informers of all kinds. */
export type CommonOptions = Omit<InformerOptions<never>, 'kind' | 'fields' | 'trim' | 'weigh' | 'indexes'>;

export interface NodeRecordOptions {
  readonly common: CommonOptions;
  readonly node: string;
  readonly byNodeLabel: boolean;
  readonly forceNamespaced: boolean;
  /** Finds a pod of this node. */
  readonly podNamed: (namespace: string, name: string) => PodView | undefined;
  readonly identityOf: (namespace: string, name: string) => AzureIdentity | undefined;
  readonly mayActAs: (pod: PodView, identity: AzureIdentity) => boolean;
  /** Resolves when the functions above have complete data. */
  readonly ready: Promise<unknown>;
}

/** A record that arrived before its pod's binding is found within this time; an editor can cause one list in each such period. */
const recordRelistMs = 30_000;

export function createRecordInformer(options: NodeRecordOptions): Informer<NodeRecord> {
  // A label value has at most 63 characters: records of nodes with longer names have no such label.
  const byLabel = options.byNodeLabel && options.node.length <= 63;
  const informer = createInformer<NodeRecord>({
    ...options.common,
    kind: resources.AzureAssignedIdentity,
    ...(byLabel ? { labelSelector: `${nodeLabel}=${options.node}` } : {}),
    fields: fieldLimits.AzureAssignedIdentity,
    trim: (object) => readRecord(object, options.node),
    weigh: (record) => ({ isNeeded: isNeeded(record, options) }),
    indexes: { resource: ({ resource }) => [resource] },
    relistMs: recordRelistMs,
  });
  return {
    ...informer,
    async run(signal) {
      await options.ready;
      await informer.run(signal);
    },
  };
}

function readRecord(object: unknown, node: string): NodeRecord | undefined {
  if (tooLargeProblems(tooLargeIn(object)).length > 0) return undefined;
  const parsed = parseAzureAssignedIdentity(object);
  if (!parsed.ok || parsed.value.spec.nodename !== node) return undefined;
  return recordOf(parsed.value);
}

export function recordOf({ metadata, spec, status }: AzureAssignedIdentity): NodeRecord {
  const { metadata: identity, spec: identitySpec } = spec.azureIdentityRef;
  return {
    key: `${metadata.namespace ?? ''}/${metadata.name}`,
    resource: canonicalResourceId(identitySpec.resourceID ?? ''),
    identity: `${identity.namespace ?? ''}/${identity.name}`,
    pod: spec.pod,
    podNamespace: spec.podNamespace,
    state: status.status,
  };
}

/**
 * Whether MIC may have written the record: it has one of the two names that MIC uses, its pod is on this node, and the pod may use the
 * identity. So an editor can create only few such records, and MIC corrects them.
 */
function isNeeded(record: NodeRecord, options: NodeRecordOptions): boolean {
  const pod = options.podNamed(record.podNamespace, record.pod);
  const [namespace = '', name = ''] = record.identity.split('/');
  const identity = options.identityOf(namespace, name);
  if (!pod || !identity || !namesOf(pod, identity, options).includes(record.key)) return false;
  return options.mayActAs(pod, identity);
}

function namesOf(
  pod: PodView,
  identity: AzureIdentity,
  rules: Pick<NodeRecordOptions, 'forceNamespaced'>,
): readonly string[] {
  const parts = { podNamespace: pod.namespace, podName: pod.name, identityName: identity.metadata.name };
  const more = { identityNamespace: identity.metadata.namespace ?? '', podUid: pod.uid };
  const namespace = assignedIdentityNamespace(identity, rules);
  const names = [assignedIdentityName(parts), distinctAssignedIdentityName({ ...parts, ...more })];
  return names.map((name) => `${namespace}/${name}`);
}
