// The cluster that `npm run bench -- ui` shows.
import {
  customResourceDefinitions,
  kubeClient,
  startSim,
  type KubeObject,
  type Sim,
} from '@pod-identity/sim';

export interface UiSize {
  readonly pods: number;
  readonly identities: number;
}

const [namespaces, nodes, scaleSets] = [20, 200, 20];
const apiVersion = 'aadpodidentity.k8s.io/v1';
const subscription = '/subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/g/providers';
const range = (length: number): readonly number[] => Array.from({ length }, (_, index) => index);
const namespaceOf = (identity: number) => `apps-${identity % namespaces}`;

function podOf(number: number, identity: number, label: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `pod-${number}`,
      namespace: namespaceOf(identity),
      uid: `pod-${number}`,
      labels: { aadpodidbinding: label },
    },
    spec: {
      nodeName: `node-${number % nodes}`,
      serviceAccountName: 'default',
      containers: [{ name: 'app', image: 'app' }],
    },
    status: { phase: 'Running' },
  };
}

/** A simulated API server with such a cluster. */
export async function startCluster(size: UiSize): Promise<Sim> {
  const sim = await startSim({});
  const client = kubeClient(sim.kube.url);
  for (const definition of customResourceDefinitions())
    await client.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
  sim.kube.seed(clusterOf(size));
  return sim;
}

/** MIC, and NMI on each node: without them each pod has a problem. */
function services(): readonly KubeObject[] {
  const labels = { component: 'nmi' };
  const containers = [{ name: 'nmi', image: 'bench.test/nmi:0.1.0', args: ['--node=x'] }];
  const set = {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'nmi', namespace: 'kube-system', uid: 'nmi' },
    spec: { selector: { matchLabels: labels }, template: { spec: { containers } } },
    status: { desiredNumberScheduled: nodes, numberReady: nodes },
  };
  const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'nmi', uid: 'nmi' };
  const mic = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'mic', namespace: 'kube-system', uid: 'mic' },
    spec: {
      replicas: 1,
      template: { spec: { containers: [{ name: 'mic', image: 'bench.test/mic:0.1.0' }] } },
    },
    status: { readyReplicas: 1 },
  };
  return [
    mic,
    set,
    ...range(nodes).map((index) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `nmi-${index}`, namespace: 'kube-system', labels, ownerReferences: [owner] },
      spec: { nodeName: `node-${index}`, containers },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    })),
  ];
}

/** Each ServiceAccount may use each identity. */
function rights(): readonly KubeObject[] {
  const apiGroup = 'rbac.authorization.k8s.io';
  const of = { apiVersion: `${apiGroup}/v1`, metadata: { name: 'use-identities' } };
  const rules = [
    { apiGroups: ['azure.aadpodidentity.k8s.io'], resources: ['managedidentities'], verbs: ['use'] },
  ];
  const roleRef = { apiGroup, kind: 'ClusterRole', name: 'use-identities' };
  const subjects = [{ apiGroup, kind: 'Group', name: 'system:serviceaccounts' }];
  return [
    { ...of, kind: 'ClusterRole', rules },
    { ...of, kind: 'ClusterRoleBinding', roleRef, subjects },
  ];
}

function clusterOf({ pods, identities }: UiSize): readonly KubeObject[] {
  return [
    ...services(),
    ...rights(),
    ...range(namespaces).map((index) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: `apps-${index}` },
    })),
    ...range(nodes).map((index) => ({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: `node-${index}` },
      spec: {
        providerID: `azure://${subscription}/Microsoft.Compute/virtualMachineScaleSets/set-${index % scaleSets}/virtualMachines/${index}`,
      },
    })),
    ...range(identities).flatMap((index) => {
      const metadata = { name: `id-${index}`, namespace: namespaceOf(index) };
      const resourceID = `${subscription}/Microsoft.ManagedIdentity/userAssignedIdentities/id-${index}`;
      const clientID = '00000000-0000-0000-0000-00000000c11d';
      return [
        { apiVersion, kind: 'AzureIdentity', metadata, spec: { type: 0, resourceID, clientID } },
        {
          apiVersion,
          kind: 'AzureIdentityBinding',
          metadata,
          spec: { azureIdentity: `id-${index}`, selector: `id-${index}` },
        },
      ];
    }),
    // One in fifty has a label that no binding selects.
    ...range(pods).map((number) =>
      podOf(number, number % identities, number % 50 === 49 ? 'none' : `id-${number % identities}`),
    ),
  ];
}

/** The first pod loses its binding, or gets it again. */
export function movePod(sim: Sim, isLost: boolean): void {
  sim.kube.seed([podOf(0, 0, isLost ? 'none' : 'id-0')]);
}
