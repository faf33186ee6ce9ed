import { clusterKinds } from '@pod-identity/kit/core';
import { createResource, KubeError, type KubeTransport } from '@pod-identity/kit/kube';
import { listAt, stringAt } from '../snapshot/raw-object.ts';

/** By the manifests and the chart. */
const [bindingName, accountName] = ['pod-identity-mic', 'mic'];

/**
 * MIC's namespace, for a command that runs elsewhere; undefined if it cannot be found. It is read from its ClusterRoleBinding, which
 * editors of namespaces cannot write.
 */
export async function findHome(transport: KubeTransport, signal: AbortSignal): Promise<string | undefined> {
  try {
    const binding = await createResource(transport, clusterKinds.clusterRoleBindings).get(
      { name: bindingName },
      { signal },
    );
    const account = listAt(binding, 'subjects').find(
      (subject) =>
        stringAt(subject, 'kind') === 'ServiceAccount' && stringAt(subject, 'name') === accountName,
    );
    return stringAt(account, 'namespace') || undefined;
  } catch (error) {
    if (error instanceof KubeError && (error.code === 'not-found' || error.code === 'denied'))
      return undefined;
    throw error;
  }
}
