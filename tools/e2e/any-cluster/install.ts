// Installs the services as `kubectl create -f` does, after it has shown that the nodes can pull the images.
import { KubeError, type KubeTransport } from '@pod-identity/kit/kube';
import { established } from '../../stage/cluster.ts';
import { deleteObject, pathOf, type KubeObject } from '../../stage/objects.ts';
import { untilObject } from '../../stage/until.ts';
import { programsOf, type Given } from './given.ts';
import { inSystem, installation, namespaceOfTests, testNamespaces, versionPod } from './objects.ts';

export interface Installing {
  readonly kube: KubeTransport;
  readonly given: Given;
  /** That MIC can run on. */
  readonly nodes: number;
  readonly say: (line: string) => void;
  /** Ends it between two steps, or in a wait. */
  readonly signal: AbortSignal;
}

export async function install(installing: Installing): Promise<void> {
  const { kube, given, nodes, say, signal } = installing;
  for (const name of testNamespaces) await create(installing, namespaceOfTests(name));
  await untilAccount(installing);
  for (const name of programsOf(given)) {
    const pod = versionPod(name, given);
    await create(installing, pod);
    // The kubelet of 1.20 takes a minute or more to end a pod that waits for its image.
    await untilRan(installing, name).finally(() => deleteObject(kube, pod));
  }
  for (const object of await installation(given, nodes)) await create(installing, object);
  signal.throwIfAborted();
  await established(kube);
  if (given.identities) await untilRolledOut(kube, { kind: 'Deployment', name: 'mic', signal });
  await untilRolledOut(kube, { kind: 'DaemonSet', name: 'nmi', signal });
  say('Installed; every pod of NMI' + (given.identities ? ' and MIC' : '') + ' is ready.');
}

/** Unlike `kubectl apply`: an object that is there already is not ours. */
export async function create(
  { kube, signal }: Pick<Installing, 'kube' | 'signal'>,
  object: KubeObject,
): Promise<void> {
  signal.throwIfAborted();
  const { apiVersion, kind, metadata } = object;
  const { namespace = 'default' } = metadata;
  await kube.request({ method: 'POST', path: pathOf({ apiVersion, kind, namespace }), body: object });
}

/** Before that no pod of the namespace is accepted. */
async function untilAccount({ kube, signal }: Installing): Promise<void> {
  const path = pathOf({ apiVersion: 'v1', kind: 'ServiceAccount', namespace: testNamespaces[0] });
  await untilObject(kube, { path, signal, fits: ({ metadata }) => metadata.name === 'default' });
}

interface PodObject extends KubeObject {
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly phase?: string;
    readonly containerStatuses?: readonly {
      readonly state: { readonly waiting?: { readonly reason?: string; readonly message?: string } };
    }[];
  };
}

const patienceMs = 180_000;
const cannotPull = new Set(['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName']);

async function untilRan({ kube, given, say, signal }: Installing, name: 'mic' | 'nmi'): Promise<void> {
  const image = `${given.images}/${name}:${given.tag}`;
  const waitingOf = (pod: KubeObject) =>
    (pod as PodObject).status.containerStatuses?.[0]?.state.waiting ?? {};
  const phaseOf = (pod: KubeObject) => (pod as PodObject).status.phase ?? '';
  const pod = await untilObject(kube, {
    path: pathOf({ apiVersion: 'v1', kind: 'Pod', namespace: testNamespaces[0] }),
    signal,
    withinMs: patienceMs,
    fits: (each) =>
      each.metadata.name === `version-of-${name}` &&
      (['Succeeded', 'Failed'].includes(phaseOf(each)) || cannotPull.has(waitingOf(each).reason ?? '')),
  });
  const { reason, message } = waitingOf(pod);
  const node = (pod as PodObject).spec.nodeName ?? '';
  if (reason !== undefined && cannotPull.has(reason))
    throw new Error(
      `${node} cannot pull the image ${image} (${reason}: ${message ?? ''}). Push it there (docs/administrator/images.md), or give other values of --images and --tag.`,
    );
  if (phaseOf(pod) === 'Failed')
    throw new Error(`${image} did not run on ${node}: ${JSON.stringify(pod['status'])}`);
  say(`${node} runs ${image}.`);
}

interface Workload {
  readonly kind: 'Deployment' | 'DaemonSet';
  readonly name: string;
  readonly signal?: AbortSignal;
}

export async function untilRolledOut(kube: KubeTransport, { kind, name, signal }: Workload): Promise<void> {
  await untilObject(kube, {
    path: pathOf({ apiVersion: 'apps/v1', kind, ...inSystem }),
    withinMs: patienceMs,
    ...(signal && { signal }),
    fits: (object) => object.metadata.name === name && isRolledOut(kind, object),
  });
}

interface WorkloadObject {
  readonly metadata: { readonly generation: number };
  readonly spec: { readonly replicas?: number };
  readonly status?: Readonly<Record<string, number>>;
}

function isRolledOut(kind: Workload['kind'], object: KubeObject): boolean {
  const { metadata, spec, status = {} } = object as unknown as WorkloadObject;
  const isSeen = (status['observedGeneration'] ?? 0) >= metadata.generation;
  const { desired, updated, available } = countsOf[kind];
  const wanted = spec.replicas ?? status[desired] ?? 0;
  return isSeen && wanted > 0 && status[updated] === wanted && status[available] === wanted;
}

const countsOf = {
  Deployment: { desired: 'replicas', updated: 'updatedReplicas', available: 'availableReplicas' },
  DaemonSet: {
    desired: 'desiredNumberScheduled',
    updated: 'updatedNumberScheduled',
    available: 'numberAvailable',
  },
} as const;

/** What went wrong, for people. */
export const reasonOf = (error: unknown): string =>
  error instanceof KubeError && error.code === 'transport'
    ? `the API server cannot be reached: ${error.message}`
    : error instanceof Error
      ? error.message
      : String(error);
