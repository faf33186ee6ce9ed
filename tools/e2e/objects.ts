// Objects that scenarios need again and again, and waiting for what MIC makes of them.
import type { KubeTransport } from '@pod-identity/kit/kube';
import * as names from '../stage/names.ts';
import { pathOf, type KubeObject } from '../stage/objects.ts';
import type { Stage } from '../stage/stage.ts';
import { untilNone, untilObject } from '../stage/until.ts';

const apiVersion = 'aadpodidentity.k8s.io/v1';

/** An AzureIdentity and the binding that gives it to pods labelled with its name. */
export function identityObjects(of: {
  name: string;
  id: string;
  clientId: string;
  namespace?: string;
  selector?: string;
}): KubeObject[] {
  const { name, id, clientId, namespace = 'default', selector = name } = of;
  return [
    {
      apiVersion,
      kind: 'AzureIdentity',
      metadata: { name, namespace },
      spec: { type: 0, resourceID: id, clientID: clientId },
    },
    {
      apiVersion,
      kind: 'AzureIdentityBinding',
      metadata: { name, namespace },
      spec: { azureIdentity: name, selector },
    },
  ];
}

const assignedPath = (namespace: string) => pathOf({ apiVersion, kind: 'AzureAssignedIdentity', namespace });

export const podOf = (assigned: KubeObject): string => (assigned['spec'] as { pod: string }).pod;
export const stateOf = (assigned: KubeObject): string =>
  (assigned['status'] as { status?: string } | undefined)?.status ?? '';

/** Resolves when each of these pods has an AzureAssignedIdentity in state Assigned. */
export async function untilAssigned(
  kube: KubeTransport,
  pods: readonly string[],
  namespace = 'default',
): Promise<void> {
  const waiting = new Set(pods);
  await untilObject(kube, {
    path: assignedPath(namespace),
    fits: (assigned) => {
      if (stateOf(assigned) === 'Assigned') waiting.delete(podOf(assigned));
      return waiting.size === 0;
    },
  });
}

/** Resolves when no AzureAssignedIdentity of this pod is left. */
export async function untilReleased(kube: KubeTransport, pod: string, namespace = 'default'): Promise<void> {
  await untilNone(kube, { path: assignedPath(namespace), fits: (assigned) => podOf(assigned) === pod });
}

export async function assignedOf(kube: KubeTransport, namespace = 'default'): Promise<KubeObject[]> {
  return ((await kube.request({ method: 'GET', path: assignedPath(namespace) })) as { items: KubeObject[] })
    .items;
}

/** Whether the scale set of the stage carries this identity. */
export function isAttached(stage: Stage, id: string): boolean {
  const { userAssignedIdentities } = stage.sim.azure.world.host(names.scaleSetId(names.scaleSet)).identity;
  return Object.keys(userAssignedIdentities).some((attached) => attached.toLowerCase() === id.toLowerCase());
}
