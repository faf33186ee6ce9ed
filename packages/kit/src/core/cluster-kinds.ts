// Kinds of Kubernetes that people's commands read or write, beside those that the services watch.
const [apps, rbac] = ['apps', 'rbac.authorization.k8s.io'];
export const namespaced = <K extends string>(group: string, kind: K, plural: string) => ({
  group,
  version: 'v1',
  kind,
  plural,
  namespaced: true,
});
export const ofCluster = (group: string, kind: string, plural: string) => ({
  ...namespaced(group, kind, plural),
  namespaced: false,
});

export const clusterKinds = {
  serviceAccounts: namespaced('', 'ServiceAccount', 'serviceaccounts'),
  daemonSets: namespaced(apps, 'DaemonSet', 'daemonsets'),
  deployments: namespaced(apps, 'Deployment', 'deployments'),
  statefulSets: namespaced(apps, 'StatefulSet', 'statefulsets'),
  clusterRoles: ofCluster(rbac, 'ClusterRole', 'clusterroles'),
  clusterRoleBindings: ofCluster(rbac, 'ClusterRoleBinding', 'clusterrolebindings'),
  definitions: ofCluster('apiextensions.k8s.io', 'CustomResourceDefinition', 'customresourcedefinitions'),
  mutatingWebhooks: ofCluster(
    'admissionregistration.k8s.io',
    'MutatingWebhookConfiguration',
    'mutatingwebhookconfigurations',
  ),
} as const;
