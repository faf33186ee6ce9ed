// Reads of Kubernetes' RBAC. The rights on Azure identities are those of ClusterRoles alone.
import { clusterKinds } from '@pod-identity/kit/core';
import { createResource, KubeError, type KubeTransport, type ResourceKind } from '@pod-identity/kit/kube';

export interface ClusterRoles {
  readonly roles: readonly unknown[];
  readonly bindings: readonly unknown[];
}

/** Undefined if whoever asks may not list them. */
export async function listClusterRoles({
  transport,
  signal,
}: {
  readonly transport: KubeTransport;
  readonly signal: AbortSignal;
}): Promise<ClusterRoles | undefined> {
  const list = (kind: ResourceKind) => createResource<unknown>(transport, kind).list({ signal });
  try {
    const roles = await list(clusterKinds.clusterRoles);
    return { roles, bindings: await list(clusterKinds.clusterRoleBindings) };
  } catch (error) {
    if (error instanceof KubeError && error.code === 'denied') return undefined;
    throw error;
  }
}
