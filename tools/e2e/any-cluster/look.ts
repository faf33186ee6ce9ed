// Reads what a run has to know of the cluster before it writes anything.
import type { KubeTransport } from '@pod-identity/kit/kube';
import * as names from '../../stage/names.ts';
import { pathOf, type KubeObject } from '../../stage/objects.ts';
import type { Seen, SeenNode, SeenObject, SeenTaint } from './needs.ts';
import { everyObject, isMarked, testNamespaces } from './objects.ts';

export async function look(transport: KubeTransport, signal: AbortSignal): Promise<Seen> {
  const kube: Reading = { request: (request) => transport.request({ ...request, signal }) };
  const [isAdministrator, nodes, existing] = await Promise.all([
    mayDoAll(kube),
    nodesOf(kube),
    existingIn(kube),
  ]);
  return { isAdministrator, nodes, existing };
}

type Reading = Pick<KubeTransport, 'request'>;

async function mayDoAll(kube: Reading): Promise<boolean> {
  const { status } = (await kube.request({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { verb: '*', group: '*', resource: '*' } },
    },
  })) as { readonly status?: { readonly allowed?: boolean } };
  return status?.allowed === true;
}

interface NodeObject extends KubeObject {
  readonly spec: {
    readonly unschedulable?: boolean;
    readonly providerID?: string;
    readonly taints?: readonly SeenTaint[];
  };
  readonly status: {
    readonly nodeInfo?: { readonly operatingSystem?: string };
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

async function nodesOf(kube: Reading): Promise<readonly SeenNode[]> {
  const nodes = (await list(kube, { apiVersion: 'v1', kind: 'Node' })) as readonly NodeObject[];
  return nodes.map(({ metadata, spec, status }) => ({
    name: metadata.name,
    os: status.nodeInfo?.operatingSystem ?? '',
    isSchedulable: spec.unschedulable !== true,
    isReady: (status.conditions ?? []).some((each) => each.type === 'Ready' && each.status === 'True'),
    taints: (spec.taints ?? []).map(({ key, effect }) => ({ key, effect })),
    providerId: spec.providerID ?? '',
  }));
}

const rbac = 'rbac.authorization.k8s.io/v1';
const ourNamespaces: readonly string[] = [names.systemNamespace, ...testNamespaces];

interface Sign {
  readonly of: { readonly apiVersion: string; readonly kind: string };
  readonly fits: (object: KubeObject) => boolean;
}

/** By what each kind of object shows that it is ours, or the original's, whose roles begin with aad-pod-id. */
const signsWith = (ownNames: ReadonlySet<string>): readonly Sign[] => [
  {
    of: { apiVersion: 'v1', kind: 'Namespace' },
    fits: ({ metadata }) => ourNamespaces.includes(metadata.name),
  },
  {
    of: { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' },
    fits: ({ metadata }) => metadata.name.endsWith('.aadpodidentity.k8s.io'),
  },
  ...['ClusterRole', 'ClusterRoleBinding'].map((kind) => ({
    of: { apiVersion: rbac, kind },
    fits: ({ metadata }: KubeObject) => ownNames.has(metadata.name) || metadata.name.startsWith('aad-pod-id'),
  })),
  ...['Deployment', 'DaemonSet'].map((kind) => ({ of: { apiVersion: 'apps/v1', kind }, fits: runsUs })),
];

/** Under whatever name, in whatever namespace: by the image. */
function runsUs(workload: KubeObject): boolean {
  const { template } = workload['spec'] as {
    readonly template: { readonly spec: { readonly containers: readonly { readonly image?: string }[] } };
  };
  return template.spec.containers.some(({ image = '' }) =>
    /aad-?pod-?identity\/|\/(mic|nmi)(:|@|$)/.test(image),
  );
}

async function existingIn(kube: Reading): Promise<readonly SeenObject[]> {
  const ownNames = new Set((await everyObject()).map(({ metadata }) => metadata.name));
  const found = await Promise.all(
    signsWith(ownNames).map(async ({ of, fits }) =>
      (await list(kube, of)).filter(fits).map((object) => ({
        what: `${of.kind} ${inNamespace(object)}`,
        isLeftover: isMarked(object),
      })),
    ),
  );
  return found.flat();
}

const inNamespace = ({ metadata: { namespace, name } }: KubeObject) =>
  namespace === undefined ? name : `${namespace}/${name}`;

async function list(
  kube: Reading,
  of: { readonly apiVersion: string; readonly kind: string },
): Promise<readonly KubeObject[]> {
  const { items } = (await kube.request({ method: 'GET', path: pathOf(of) })) as {
    readonly items: readonly KubeObject[];
  };
  return items;
}
