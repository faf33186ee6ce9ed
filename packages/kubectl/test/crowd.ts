// A cluster as an editor of one namespace can make it: each pod has a hundred bindings with long names.
import { apiVersion } from '@pod-identity/crd-types';
import { ClusterIndex, createTrims, Records } from '../../mic/src/commands/plug-in.ts';
import type { ReadyCondition, ClusterView } from '../src/cluster/cluster-view.ts';

const trims = createTrims();
const node = {
  name: 'node-0',
  providerId: 'azure:///subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm-0',
};

export interface Crowd {
  readonly index: ClusterIndex;
  /** In the namespace: an identity and its binding, for the pods with the label of that name. */
  readonly bind: (namespace: string, name: string, label: string) => void;
  readonly pod: (namespace: string, name: string, label: string) => void;
  /** `ready`: what MIC says of each identity. */
  readonly cluster: (ready?: ReadyCondition) => ClusterView;
}

export function createCrowd(): Crowd {
  const index = new ClusterIndex({ forceNamespaced: true });
  index.apply({ kind: 'node', key: node.name, view: node });
  const pods: string[] = [];
  return {
    index,
    bind(namespace, name, label) {
      const of = { apiVersion, metadata: { namespace, name } };
      const resourceID = `/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name.slice(0, 9)}`;
      const identity = trims.identity({ ...of, kind: 'AzureIdentity', spec: { type: 0, resourceID } });
      const spec = { azureIdentity: name, selector: label };
      const binding = trims.binding({ ...of, kind: 'AzureIdentityBinding', spec });
      const key = `${namespace}/${name}`;
      index.apply({ kind: 'identity', key, view: identity });
      index.apply({ kind: 'binding', key, view: binding });
    },
    pod(namespace, name, label) {
      const metadata = { namespace, name, labels: { aadpodidbinding: label } };
      const raw = { metadata, spec: { nodeName: node.name, serviceAccountName: 'default' }, status: {} };
      const key = `${namespace}/${name}`;
      if (index.pod(key) === undefined) pods.push(key);
      index.apply({ kind: 'pod', key, view: trims.pod(raw) });
    },
    cluster(ready) {
      const keys = index.objects.keys();
      return {
        index,
        records: new Records(),
        pods: pods.flatMap((one) => index.pod(one) ?? []),
        identities: [...keys.identities].map((one) => ({ view: index.objects.identity(one)!, ready })),
        bindings: [...keys.bindings].map((one) => ({
          view: index.objects.binding(one)!,
          ready: undefined,
        })),
        nodes: [node],
        hasRecords: true,
        hasObjects: true,
        unknown: [],
      };
    },
  };
}

/** Names that are longer would have hashes in those of their records, which takes long. */
const longName = (name: string, at: number) => `${name}-${at}-`.padEnd(100, 'n');

/** So many pods of one namespace, each with so many bindings. */
export function fillCrowd({ bind, pod }: Crowd, pods: number, bindings: number): void {
  for (let at = 0; at < bindings; at += 1) bind('crowd', longName('it', at), 'x');
  for (let at = 0; at < pods; at += 1) pod('crowd', longName('pod', at), 'x');
}

export const inputOf = (cluster: ClusterView) => ({
  cluster,
  namespace: undefined,
  hasMic: true,
  now: 0,
  brokers: [],
  agentFault: () => undefined,
});
