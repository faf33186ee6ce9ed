// What attackers write, what an administrator grants, and how reviews fail.
import type { KubeError, KubeTransport } from '@pod-identity/kit/kube';
import * as names from '../../stage/names.ts';
import type { KubeObject } from '../../stage/objects.ts';
import type { Stage, StagePod } from '../../stage/stage.ts';
import { rbac } from './people.ts';
import type { ReviewFault } from './review-proxy.ts';

const apiVersion = 'aadpodidentity.k8s.io/v1';

export const identityObject = (namespace: string, name: string, spec: object): KubeObject => ({
  apiVersion,
  kind: 'AzureIdentity',
  metadata: { namespace, name },
  spec,
});

/** As an author of the namespace, with a binding; whether the API server takes it. */
export async function writeIdentity(
  stage: Stage,
  { kube, key, spec }: { readonly kube: KubeTransport; readonly key: string; readonly spec: object },
): Promise<boolean> {
  const [namespace = '', name = ''] = key.split('/');
  try {
    for (const object of [identityObject(namespace, name, spec), bindingObject(namespace, name)])
      await stage.create(object, kube);
    return true;
  } catch (error) {
    if ((error as KubeError).code === 'invalid') return false;
    throw error;
  }
}

/** For an identity of that name, and pods that have the name as their label. */
export const bindingObject = (namespace: string, name: string): KubeObject => ({
  apiVersion,
  kind: 'AzureIdentityBinding',
  metadata: { namespace, name },
  spec: { azureIdentity: name, selector: name },
});

/** Namespaces that each have a binding for which MIC must know all their pods. */
export function crowdObjects(count: number): readonly (readonly [KubeObject, KubeObject])[] {
  return Array.from({ length: count }, (_, number) => {
    const namespace = `crowd-${number}`;
    const spec = { azureIdentity: 'none', podSelector: { matchLabels: { app: 'web' } } };
    return [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      { ...bindingObject(namespace, 'by-label'), spec },
    ];
  });
}

/** Says that the pod has the identity. */
export function forgedRecord(pod: StagePod, name: string, spec: object): KubeObject {
  const { namespace = '', name: podName } = pod.object.metadata;
  const node = names.nodeName(pod.node);
  return {
    apiVersion,
    kind: 'AzureAssignedIdentity',
    metadata: { namespace, name: `${podName}-${namespace}-${name}`, labels: { nodename: node } },
    spec: {
      azureIdentityRef: identityObject(namespace, name, spec),
      azureBindingRef: bindingObject(namespace, name),
      pod: podName,
      podNamespace: namespace,
      nodename: node,
    },
    status: { status: 'Assigned', availableReplicas: 1 },
  };
}

/** As docs/administrator/service-principals.md says: deploy/components/service-principals binds the role nowhere. */
export function mayReadSecrets(namespace: string): KubeObject {
  const name = 'pod-identity-nmi-secrets';
  return {
    apiVersion: `${rbac}/v1`,
    kind: 'RoleBinding',
    metadata: { name, namespace },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', name: 'nmi', namespace: names.systemNamespace }],
  };
}

const verdict = (over: object) => ({
  status: 201,
  body: JSON.stringify({ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', ...over }),
});

/** By the name of the ServiceAccount that is asked about. */
export const reviewFaults: Readonly<Record<string, ReviewFault>> = {
  held: 'held',
  failing: { status: 500, body: '{}' },
  throttled: { status: 429, body: '{}' },
  forbidden: { status: 403, body: '{}' },
  empty: { status: 201, body: '{}' },
  'cut-off': { status: 201, body: '{"kind":"SubjectAccessReview","status":{"allowed":tr' },
  'in-words': verdict({ status: { allowed: 'true' } }),
  'other-kind': verdict({ kind: 'Status', status: { allowed: true } }),
  'allowed-and-denied': verdict({ status: { allowed: true, denied: true } }),
};
