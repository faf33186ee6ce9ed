// What owners of objects are told about rights: conditions and Events.
import { pathOf, type KubeObject } from '../../stage/objects.ts';
import type { Stage } from '../../stage/stage.ts';
import { untilObject } from '../../stage/until.ts';

export interface Ready {
  readonly reason: string;
  readonly message: string;
}

interface Status {
  readonly conditions?: readonly (Ready & { readonly type: string })[];
}

/** The condition Ready of an AzureIdentity, when it fits. */
export async function untilReadyIs(
  { kube }: Stage,
  identity: { readonly namespace: string; readonly name: string },
  fits: (ready: Ready) => boolean,
): Promise<Ready> {
  const { namespace, name } = identity;
  const ready = (object: KubeObject) =>
    (object['status'] as Status | undefined)?.conditions?.find(({ type }) => type === 'Ready');
  const isIt = (object: KubeObject) => {
    const condition = ready(object);
    return object.metadata.name === name && condition !== undefined && fits(condition);
  };
  const path = pathOf({ apiVersion: 'aadpodidentity.k8s.io/v1', kind: 'AzureIdentity', namespace });
  return ready(await untilObject(kube, { path, fits: isIt })) ?? { reason: '', message: '' };
}

const components = { mic: 'aadpodidentity.k8s.io', nmi: 'aad-pod-identity-nmi' };

/** The message of an Event on a pod. */
export async function untilPodEvent(
  { kube }: Stage,
  of: {
    readonly namespace: string;
    readonly pod: string;
    readonly reason: string;
    readonly from: 'mic' | 'nmi';
  },
): Promise<string> {
  const { namespace, pod, reason, from } = of;
  const event = await untilObject(kube, {
    path: pathOf({ apiVersion: 'v1', kind: 'Event', namespace }),
    fits: (one) =>
      one['reason'] === reason &&
      (one['involvedObject'] as { readonly name: string }).name === pod &&
      (one['source'] as { readonly component: string }).component === components[from],
  });
  return String(event['message']);
}
