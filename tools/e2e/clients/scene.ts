// Pods whose identities are assigned by the test: it writes the objects that MIC would write.
import * as names from '../../stage/names.ts';
import { pathOf, type KubeObject } from '../../stage/objects.ts';
import type { Stage, StagePod } from '../../stage/stage.ts';
import { addIdentity, bind } from '../objects.ts';

export interface Scene {
  readonly pod: StagePod;
  readonly identity: ReturnType<typeof addIdentity>;
  /** Writes the object as MIC does while the identity is being attached. */
  create(): Promise<void>;
  /** Attaches the identity to the machine, and writes Assigned as MIC does. */
  assign(): Promise<void>;
}

/** A pod on node 0 with a bound identity that is on no machine yet. */
export async function pendingPod(stage: Stage, name: string): Promise<Scene> {
  const scene = await labelledPod(stage, name);
  await scene.bind();
  return scene;
}

export interface UnboundScene extends Scene {
  /** The AzureIdentity and its binding. */
  bind(): Promise<void>;
}

/** A pod on node 0 whose label no binding selects yet, and a managed identity that is on no machine. */
export async function labelledPod(
  stage: Stage,
  name: string,
  more: { readonly startedAt?: Date } = {},
): Promise<UnboundScene> {
  const identity = addIdentity(stage, name);
  const pod = await stage.runPod({ name, node: 0, label: name, ...more });
  const record = { pod, name, selector: name, ...identity };
  return {
    pod,
    identity,
    bind: () => bind(stage, { ...identity, name }),
    create: () => stage.create(assignedIdentity(record)).then(() => undefined),
    assign: () => assign(stage, record),
  };
}

/** Attaches an identity to the machine, and writes Assigned for a pod. */
export async function assign(stage: Stage, of: Assigned): Promise<void> {
  stage.sim.azure.world.attach(names.scaleSetId(names.scaleSet), of.resourceId);
  const record = assignedIdentity(of);
  await stage.create(record);
  await stage.kube.request({
    method: 'PATCH',
    path: pathOf({ ...record, ...record.metadata }),
    body: { status: { status: 'Assigned' } },
    contentType: 'application/merge-patch+json',
  });
}

export interface Assigned {
  readonly pod: StagePod;
  /** Of the AzureIdentity and of its binding. */
  readonly name: string;
  readonly selector: string;
  readonly resourceId: string;
  readonly clientId: string;
}

function assignedIdentity({ pod, name, selector, resourceId, clientId }: Assigned): KubeObject {
  const node = names.nodeName(pod.node);
  const apiVersion = 'aadpodidentity.k8s.io/v1';
  const metadata = { name, namespace: 'default' };
  const copyOf = (kind: string, spec: object) => ({ apiVersion, kind, metadata, spec });
  return {
    apiVersion,
    kind: 'AzureAssignedIdentity',
    metadata: {
      ...metadata,
      name: `${pod.object.metadata.name}-default-${name}`,
      labels: { nodename: node },
    },
    spec: {
      azureIdentityRef: copyOf('AzureIdentity', { type: 0, resourceID: resourceId, clientID: clientId }),
      azureBindingRef: copyOf('AzureIdentityBinding', { azureIdentity: name, selector }),
      pod: pod.object.metadata.name,
      podNamespace: 'default',
      nodename: node,
    },
    status: { status: 'Created', availableReplicas: 1 },
  };
}
