import type { ResourceKind } from '@pod-identity/kit/kube';

const rbac = (kind: string, plural: string): ResourceKind => ({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind,
  plural,
  namespaced: false,
});

export const roleKinds = {
  ClusterRole: rbac('ClusterRole', 'clusterroles'),
  ClusterRoleBinding: rbac('ClusterRoleBinding', 'clusterrolebindings'),
};

export const serviceAccounts: ResourceKind = {
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  namespaced: true,
};

const workload = (group: string, kind: string, plural: string): ResourceKind => ({
  group,
  version: 'v1',
  kind,
  plural,
  namespaced: true,
});

/** Whose pods come from a template that a patch changes. */
export const workloads: readonly ResourceKind[] = [
  workload('apps', 'Deployment', 'deployments'),
  workload('apps', 'StatefulSet', 'statefulsets'),
  workload('apps', 'DaemonSet', 'daemonsets'),
];

export const definitions: ResourceKind = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

export const webhooks: ResourceKind = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingWebhookConfiguration',
  plural: 'mutatingwebhookconfigurations',
  namespaced: false,
};
