// What a cluster has of MIC, NMI and the broker: their Deployments, DaemonSet and pods. In the demo their programs are processes of this
// machine, without pods, and whatever reads the cluster (`kubectl azure-pod-identity status`) would find nothing installed.
import { brokerNamespace } from '../stage/broker.ts';
import { podObject, setPodStatus } from '../stage/cluster.ts';
import * as names from '../stage/names.ts';
import { readManifests, type KubeObject } from '../stage/objects.ts';
import { inDeploy } from '../stage/places.ts';
import type { Stage } from '../stage/stage.ts';
import type { Programs } from './story.ts';

/** For the simulated API server: on a real one a controller would start their pods. */
export async function showInstalled(stage: Stage, { mics, nmis, brokers }: Programs): Promise<void> {
  await install(stage, 'base/mic/deployment.yaml', running(mics.length));
  const nmi = await install(stage, 'base/nmi/daemonset.yaml', {
    args: brokers.length === 0 ? [] : [`--broker=${brokerNamespace}`, '--broker-token-file=/token'],
    status: { desiredNumberScheduled: nmis.length, numberReady: nmis.length },
  });
  await Promise.all(nmis.map((_, node) => showAgent(stage, nmi, node)));
  if (brokers.length > 0)
    await install(stage, 'components/broker/parts/deployment.yaml', running(brokers.length));
}

const running = (replicas: number) => ({ spec: { replicas }, status: { replicas, readyReplicas: replicas } });

interface Workload {
  /** Further arguments of the container. */
  readonly args?: readonly string[];
  /** Instead of what the manifest has. */
  readonly spec?: object;
  readonly status: object;
}

interface PodTemplate {
  readonly template: { readonly spec: { readonly containers: readonly Container[] } };
}

interface Container {
  readonly name: string;
  readonly image: string;
  args: readonly string[];
}

async function install(
  stage: Stage,
  file: string,
  { args = [], spec, status }: Workload,
): Promise<KubeObject> {
  const [object] = await readManifests(inDeploy(file));
  if (object === undefined) throw new Error(`${file} has no object`);
  for (const container of containersOf(object)) container.args = [...container.args, ...args];
  const created = await stage.create({ ...object, spec: { ...(object['spec'] as object), ...spec } });
  await setPodStatus(stage.kube, created, status);
  return created;
}

function containersOf(workload: KubeObject): readonly Container[] {
  return (workload['spec'] as PodTemplate).template.spec.containers;
}

async function showAgent(stage: Stage, owner: KubeObject, node: number): Promise<void> {
  const { apiVersion, kind, metadata } = owner;
  const { name, uid = '' } = metadata;
  const [container] = containersOf(owner);
  const pod = podObject({ name: `${name}-${node}`, namespace: names.systemNamespace, node });
  const ownerReferences = [{ apiVersion, kind, name, uid, controller: true }];
  const own = { ...pod.metadata, labels: { component: 'nmi', tier: 'node' }, ownerReferences };
  const spec = {
    ...(pod['spec'] as object),
    containers: [{ name: container?.name, image: container?.image }],
  };
  const created = await stage.create({ ...pod, metadata: own, spec });
  await setPodStatus(stage.kube, created, {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'True' }],
    containerStatuses: [{ name: container?.name, ready: true, restartCount: 0, state: { running: {} } }],
  });
}
