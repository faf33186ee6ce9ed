// Rights on a real API server: roles and bindings take effect a moment after they were written, which only a review shows.
import { setTimeout as pause } from 'node:timers/promises';
import type { KubeTransport } from '@pod-identity/kit/kube';
import type { KubeObject } from './objects.ts';

export interface Right {
  readonly verb: string;
  readonly group?: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly name?: string;
  readonly namespace?: string;
}

export interface Account {
  readonly namespace: string;
  readonly name: string;
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}
interface Binding extends KubeObject {
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects: readonly (Account & { readonly kind: string })[];
}

const patienceMs = 60_000;

export async function isAllowed(kube: KubeTransport, { namespace, name }: Account, right: Right) {
  const { status } = (await kube.request({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user: `system:serviceaccount:${namespace}:${name}`, resourceAttributes: right },
    },
  })) as { readonly status?: { readonly allowed?: boolean } };
  return status?.allowed === true;
}

/** Resolves when each binding among these objects whose role is among them too has taken effect. */
export async function untilGranted(kube: KubeTransport, objects: readonly KubeObject[]): Promise<void> {
  const endsAt = performance.now() + patienceMs;
  for (const { account, right } of grantsOf(objects))
    while (!(await isAllowed(kube, account, right))) {
      if (performance.now() > endsAt)
        throw new Error(
          `waited ${patienceMs} ms for ${account.name} to be allowed: ${JSON.stringify(right)}`,
        );
      await pause(50);
    }
}

/** For each subject of a binding one right of the role: roles and bindings take effect as a whole. */
function grantsOf(objects: readonly KubeObject[]) {
  const bindings = objects.filter((object): object is Binding => object.kind.endsWith('RoleBinding'));
  return bindings.flatMap(({ roleRef, subjects, metadata: { namespace } }) => {
    const role = objects.find(
      ({ kind, metadata }) =>
        kind === roleRef.kind &&
        metadata.name === roleRef.name &&
        (kind === 'ClusterRole' || metadata.namespace === namespace),
    );
    const [rule] = (role?.['rules'] ?? []) as readonly Rule[];
    return rule === undefined
      ? []
      : subjects.map((account) => ({ account, right: rightOf(rule, namespace) }));
  });
}

function rightOf({ apiGroups, resources, resourceNames, verbs }: Rule, namespace: string | undefined): Right {
  const [resource = '', subresource] = resources[0]?.split('/') ?? [];
  return {
    verb: verbs[0] ?? '',
    group: apiGroups[0] ?? '',
    resource,
    ...(subresource !== undefined && { subresource }),
    ...(resourceNames?.[0] !== undefined && { name: resourceNames[0] }),
    ...(namespace !== undefined && { namespace }),
  };
}
