// Whoever works in a cluster besides its administrator: each calls the API server with the token of a ServiceAccount.
import { connectKube, KubeError, type KubeTransport } from '@pod-identity/kit/kube';
import { serviceAccountKubeconfig } from '../../stage/cluster.ts';
import type { KubeObject } from '../../stage/objects.ts';
import { untilGranted } from '../../stage/rights.ts';
import type { Stage } from '../../stage/stage.ts';

export interface Person {
  readonly kube: KubeTransport;
  /** `done`, or the code of the error. */
  attempt(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'GET', path: string, body?: object): Promise<string>;
}

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

export const rbac = 'rbac.authorization.k8s.io';
const rbacVersion = `${rbac}/v1`;
const all = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** What ClusterRole `edit` of a managed cluster gives in a namespace, and everything of this project. */
export const edit: readonly Rule[] = [
  {
    apiGroups: [''],
    resources: ['pods', 'configmaps', 'secrets', 'serviceaccounts', 'services', 'events'],
    verbs: all,
  },
  { apiGroups: [''], resources: ['serviceaccounts'], verbs: ['impersonate'] },
  { apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] },
  { apiGroups: ['apps'], resources: ['deployments', 'daemonsets', 'statefulsets'], verbs: all },
  { apiGroups: ['aadpodidentity.k8s.io'], resources: ['*'], verbs: all },
];

/** Somebody who may besides write Roles and RoleBindings of the namespace, as ClusterRole `admin` allows. */
export const lead: readonly Rule[] = [
  ...edit,
  { apiGroups: [rbac], resources: ['roles', 'rolebindings'], verbs: all },
];

/** The owner of a namespace. */
export const everything: readonly Rule[] = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];

export async function createNamespace(stage: Stage, name: string): Promise<void> {
  await stage.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
}

export async function createAccount(stage: Stage, namespace: string, name: string): Promise<void> {
  await stage.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } });
}

/** A ServiceAccount with these rights in its namespace, and who has its token. */
export async function createPerson(
  stage: Stage,
  of: { readonly namespace: string; readonly name: string; readonly rules: readonly Rule[] },
): Promise<Person> {
  const { namespace, name, rules } = of;
  await createAccount(stage, namespace, name);
  const roles = rolesOf(of, rules);
  for (const object of roles) await stage.create(object);
  await untilGranted(stage.kube, roles);
  const { kube, kubeconfig, folder } = stage;
  const own = await connectKube({
    kubeconfig: await serviceAccountKubeconfig({ kube, kubeconfig, account: name, namespace, folder }),
    userAgent: name,
  });
  return {
    kube: own,
    attempt: async (method, path, body) => {
      const contentType = method === 'PATCH' ? 'application/merge-patch+json' : undefined;
      try {
        await own.request({ method, path, ...(body && { body }), ...(contentType && { contentType }) });
        return 'done';
      } catch (error) {
        if (error instanceof KubeError) return error.code;
        throw error;
      }
    },
  };
}

/** A Role in the namespace, and its binding to the ServiceAccount. */
export function rolesOf(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  rules: readonly object[],
  roleName = name,
): KubeObject[] {
  const metadata = { namespace, name: roleName };
  return [
    { apiVersion: rbacVersion, kind: 'Role', metadata, rules },
    {
      apiVersion: rbacVersion,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: rbac, kind: 'Role', name: roleName },
      subjects: [{ kind: 'ServiceAccount', namespace, name }],
    },
  ];
}
