// MIC, NMI and the broker as objects of the cluster, as the plug-in finds them. Nothing here runs their pods: the stage has the processes.
import { brokerNamespace } from '../../stage/broker.ts';
import { setPodStatus } from '../../stage/cluster.ts';
import * as names from '../../stage/names.ts';
import { pathOf, readManifests, type KubeObject } from '../../stage/objects.ts';
import { inDeploy } from '../../stage/places.ts';
import type { Stage } from '../../stage/stage.ts';

interface Template {
  readonly spec: {
    readonly nodeSelector?: Readonly<Record<string, string>>;
    readonly containers: { readonly name: string; readonly image: string; args?: readonly string[] }[];
  };
}
const templateOf = (workload: KubeObject) => (workload['spec'] as { readonly template: Template }).template;

const statuses = {
  DaemonSet: {
    desiredNumberScheduled: 2,
    numberReady: 2,
    currentNumberScheduled: 2,
    numberMisscheduled: 0,
  },
  Deployment: { replicas: 2, readyReplicas: 2 },
} as const;
const withBroker = [
  `--broker=${brokerNamespace}`,
  '--broker-token-file=/var/run/secrets/broker/token',
] as const;

/** As they are when all their pods are ready. `flags`: of MIC and NMI, more than those of the manifests. */
export async function installServices(
  stage: Stage,
  {
    flags = [],
    hasBroker = false,
  }: { readonly flags?: readonly string[]; readonly hasBroker?: boolean } = {},
): Promise<void> {
  const flagsOf = ({ kind, metadata }: KubeObject) => [
    ...(metadata.namespace === brokerNamespace ? [] : flags),
    ...(hasBroker && kind === 'DaemonSet' ? withBroker : []),
  ];
  const files = ['base/nmi/daemonset.yaml', 'base/mic/deployment.yaml'];
  if (hasBroker) files.push('components/broker/parts/deployment.yaml');
  for (const file of files)
    for (const object of await readManifests(inDeploy(file))) {
      if (object.kind !== 'DaemonSet' && object.kind !== 'Deployment') continue;
      addFlags(object, flagsOf(object));
      await setPodStatus(stage.kube, await stage.create(object), statuses[object.kind]);
    }
}

function addFlags(workload: KubeObject, flags: readonly string[]): void {
  for (const container of templateOf(workload).spec.containers)
    container.args = [...(container.args ?? []), ...flags];
}

/** The pods of NMI's DaemonSet, on each node that its nodeSelector takes and that has none yet. */
export async function placeAgents(stage: Stage): Promise<void> {
  const { kube } = stage;
  const apps = { apiVersion: 'apps/v1', kind: 'DaemonSet', namespace: names.systemNamespace };
  const set = (await kube.request({ method: 'GET', path: pathOf({ ...apps, name: 'nmi' }) })) as KubeObject;
  const { nodeSelector = {}, containers } = templateOf(set).spec;
  const labelSelector = Object.entries(nodeSelector)
    .map(([key, value]) => `${key}=${value}`)
    .join();
  const nodes = await listOf(stage, { kind: 'Node' }, { labelSelector });
  const pods = await listOf(stage, { kind: 'Pod', namespace: names.systemNamespace });
  for (const { metadata: node } of nodes) {
    const name = `agent-${node.name}`;
    if (pods.some(({ metadata }) => metadata.name === name)) continue;
    const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'nmi', uid: set.metadata.uid };
    const metadata = {
      namespace: names.systemNamespace,
      name,
      labels: set.metadata.labels ?? {},
      ownerReferences: [{ ...owner, controller: true }],
    };
    const pod = await stage.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: {
        nodeName: node.name,
        serviceAccountName: 'nmi',
        hostNetwork: true,
        containers: containers.map(({ name: container, image }) => ({ name: container, image })),
      },
    });
    await setPodStatus(kube, pod, {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
    });
  }
}

async function listOf(
  { kube }: Pick<Stage, 'kube'>,
  of: { readonly kind: string; readonly namespace?: string },
  query: Readonly<Record<string, string>> = {},
): Promise<readonly KubeObject[]> {
  const path = pathOf({ apiVersion: 'v1', ...of });
  return ((await kube.request({ method: 'GET', path, query })) as { readonly items: readonly KubeObject[] })
    .items;
}

/** As the kubelet labels nodes: NMI's DaemonSet is for these. */
export async function labelAsLinux({ kube }: Pick<Stage, 'kube'>, name: string): Promise<void> {
  await kube.request({
    method: 'PATCH',
    path: pathOf({ apiVersion: 'v1', kind: 'Node', name }),
    body: { metadata: { labels: { 'kubernetes.io/os': 'linux' } } },
    contentType: 'application/merge-patch+json',
  });
}
