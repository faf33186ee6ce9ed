// The objects that a run creates: the manifests of deploy/infra with the given images, and a mark on each.
import * as names from '../../stage/names.ts';
import { readManifests, type KubeObject } from '../../stage/objects.ts';
import { inDeploy } from '../../stage/places.ts';
import type { Given } from './given.ts';

/** Nothing without it is ever removed. */
const mark = { 'app.kubernetes.io/created-by': 'pod-identity-e2e' } as const;
export const isMarked = ({ metadata }: KubeObject): boolean =>
  metadata.labels?.['app.kubernetes.io/created-by'] === mark['app.kubernetes.io/created-by'];

export const testNamespaces = ['pod-identity-e2e-1', 'pod-identity-e2e-2'] as const;

const withMic = 'infra/deployment-rbac.yaml';
const nmiAlone = 'infra/managed-mode-deployment.yaml';
/** So long an identity that no pod needs stays attached; by default 5 minutes. */
const detachGracePeriod = '--detach-grace-period=5s';

export async function installation(given: Given, nodes: number): Promise<readonly KubeObject[]> {
  const objects = await readManifests(inDeploy(given.identities ? withMic : nmiAlone));
  return objects.map((object) => suited(own(object, given), nodes));
}

/** The names of all that any run creates outside the namespaces of the tests. */
export async function everyObject(): Promise<readonly KubeObject[]> {
  const lists = await Promise.all([withMic, nmiAlone].map((path) => readManifests(inDeploy(path))));
  return lists.flat();
}

/** The DaemonSet that takes NMI's rules off the nodes. With the image of `nmi`, if that is stored: every node has it. */
export async function removalOfRules(given: Given, nmi?: KubeObject): Promise<KubeObject> {
  const [daemonSet] = await readManifests(inDeploy('overlays/uninstall/daemonset.yaml'));
  const [image] = nmi ? imagesOf(nmi) : [];
  return own(daemonSet!, given, image);
}

/** The images of a workload, each once. */
function imagesOf(workload: KubeObject): readonly string[] {
  const { initContainers = [], containers } = (workload['spec'] as PodsOfWorkload).template.spec;
  return [...new Set([...initContainers, ...containers].map(({ image }) => image))];
}

interface PodsOfWorkload {
  readonly template: {
    readonly spec: {
      readonly initContainers?: readonly { readonly image: string }[];
      readonly containers: readonly { readonly image: string }[];
    };
  };
}

/** What to do with the remover of rules that is stored: one whose image no node can pull would never end. */
export function stepForRemover(wanted: KubeObject, existing?: KubeObject): 'create' | 'replace' | 'keep' {
  if (existing === undefined) return 'create';
  return imagesOf(existing).join() === imagesOf(wanted).join() ? 'keep' : 'replace';
}

export const namespaceOfTests = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { ...mark, 'pod-security.kubernetes.io/enforce': 'baseline' } },
});

/** Prints the version of a program from its image and ends: shows that a node can pull the image. */
export const versionPod = (name: 'mic' | 'nmi', { images, tag }: Given): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `version-of-${name}`, namespace: testNamespaces[0], labels: mark },
  spec: {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    containers: [
      {
        name,
        image: `${images}/${name}:${tag}`,
        args: ['--version'],
        securityContext: {
          runAsUser: 65_534,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
        },
      },
    ],
  },
});

function own(object: KubeObject, { images, tag }: Given, image?: string): KubeObject {
  const text = JSON.stringify(object).replaceAll(
    /"image":"your-registry\.invalid\/aad-pod-identity\/(\w+):[^"]+"/g,
    (_, name: string) => `"image":"${image ?? `${images}/${name}:${tag}`}"`,
  );
  const copy = JSON.parse(text) as KubeObject;
  return { ...copy, metadata: { ...copy.metadata, labels: { ...copy.metadata.labels, ...mark } } };
}

interface WorkloadSpec {
  readonly replicas: number;
  readonly template: {
    readonly spec: { readonly containers: readonly { readonly args: readonly string[] }[] };
  };
}

/** MIC as a cluster with so few nodes can run it: on the host network, a second one finds no free port on the same node. */
function suited(object: KubeObject, nodes: number): KubeObject {
  if (object.kind !== 'Deployment') return object;
  const spec = object['spec'] as WorkloadSpec;
  const { template } = spec;
  const containers = template.spec.containers.map((container) => ({
    ...container,
    args: [...container.args, detachGracePeriod],
  }));
  return {
    ...object,
    spec: {
      ...spec,
      replicas: Math.min(spec.replicas, nodes),
      template: { ...template, spec: { ...template.spec, containers } },
    },
  };
}

export const inSystem = { namespace: names.systemNamespace } as const;
