// Mistakes that a cluster can have, what `doctor` finds, and which remedy it prints.
import type { KubeObject } from '../../stage/objects.ts';
import * as names from '../../stage/names.ts';

export interface Mistake {
  readonly name: string;
  /** The cause that `doctor` prints. */
  readonly says: RegExp;
  /** Made on top of a cluster without a mistake. */
  readonly plant: readonly KubeObject[];
  /** In the shell, after that. */
  readonly shell?: string;
}

const ours = 'aadpodidentity.k8s.io/v1';
const identity = (namespace: string): KubeObject => ({
  apiVersion: ours,
  kind: 'AzureIdentity',
  metadata: { name: 'reader', namespace },
  spec: { type: 0, resourceID: names.firstIdentity.id, clientID: names.firstIdentity.clientId },
});
const binding = (namespace: string): KubeObject => ({
  apiVersion: ours,
  kind: 'AzureIdentityBinding',
  metadata: { name: 'reader', namespace },
  spec: { azureIdentity: 'reader', selector: 'reader' },
});
const pod = (namespace: string, labels: Record<string, string>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'app', namespace, labels },
  spec: {
    serviceAccountName: 'default',
    nodeName: names.nodeName(0),
    containers: [{ name: 'app', image: 'local.test/app:1' }],
  },
});
const namespace = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

export const mistakes: readonly Mistake[] = [
  {
    name: 'a label that is misspelt',
    says: /no AzureIdentityBinding has the selector 'raeder'/,
    plant: [namespace('one'), identity('one'), binding('one'), pod('one', { aadpodidbinding: 'raeder' })],
  },
  {
    name: 'a label whose key is misspelt',
    says: /have the label aadpodidbindng/,
    plant: [namespace('two'), identity('two'), binding('two'), pod('two', { aadpodidbindng: 'reader' })],
  },
  {
    name: 'a binding in another namespace',
    says: /is for pods of its own namespace only|bindings? .* other namespace|in another namespace/,
    plant: [
      namespace('other'),
      namespace('three'),
      { ...identity('other'), spec: { type: 0, resourceID: names.secondIdentity.id } },
      { ...binding('other'), spec: { azureIdentity: 'reader', selector: 'elsewhere' } },
      pod('three', { aadpodidbinding: 'elsewhere' }),
    ],
  },
  {
    name: 'a start-up taint that is left',
    says: /still has the taint/,
    plant: [],
    // MIC removes it where it may.
    shell: `kubectl delete clusterrolebinding pod-identity-mic-startup-taint
while kubectl auth can-i patch nodes --as system:serviceaccount:aad-pod-identity:mic --quiet; do sleep 0.1; done
kubectl taint nodes ${names.nodeName(0)} aadpodidentity.k8s.io/nmi-not-ready=:NoSchedule`,
  },
  {
    name: "the original's definition",
    says: /the API server drops spec\.allowedNamespaces/,
    plant: [],
    shell: `kubectl patch crd azureidentities.aadpodidentity.k8s.io --type json --patch '[{"op":"remove","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec/x-kubernetes-preserve-unknown-fields"},{"op":"remove","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/allowedNamespaces"}]'`,
  },
  {
    name: "the original's MIC beside ours",
    says: /the MIC of the original project/,
    plant: [],
    shell: `kubectl create deployment mic --namespace kube-system --image mcr.microsoft.com/oss/azure/aad-pod-identity/mic:v1.8.17`,
  },
  {
    name: 'roles of MIC that are gone',
    says: /ServiceAccount aad-pod-identity\/mic may not/,
    plant: [],
    shell: 'kubectl delete clusterrolebinding pod-identity-mic',
  },
];
