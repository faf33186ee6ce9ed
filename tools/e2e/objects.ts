// Objects that many scenarios need, and waits for MIC's results.
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import type { KubeTransport } from '@pod-identity/kit/kube';
import { askForToken } from '../demo/story.ts';
import * as names from '../stage/names.ts';
import { deleteObject, pathOf, type KubeObject } from '../stage/objects.ts';
import { parseLine, type Service } from '../stage/service.ts';
import type { Stage } from '../stage/stage.ts';
import { within } from '../stage/within.ts';
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
  {
    namespace = 'default',
    withinMs = 60_000,
  }: { readonly namespace?: string; readonly withinMs?: number } = {},
): Promise<void> {
  const waiting = new Set(pods);
  await untilObject(kube, {
    path: assignedPath(namespace),
    withinMs,
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

/** Whether the scale set of the stage has this identity. */
export function isAttached(stage: Stage, id: string): boolean {
  const { userAssignedIdentities } = stage.sim.azure.world.host(names.scaleSetId(names.scaleSet)).identity;
  return Object.keys(userAssignedIdentities).some((attached) => attached.toLowerCase() === id.toLowerCase());
}

export const untilDetached = (stage: Stage, id: string): Promise<void> => {
  const detached = stage.sim.azure.world.until(() => !isAttached(stage, id));
  return within(60_000, `${id} to be detached from ${names.scaleSet}`, detached);
};

type ManagedIdentity = ReturnType<Stage['sim']['azure']['world']['addIdentity']>;

/** A managed identity, by default with the right to read the stage's vault. */
export function addIdentity(
  stage: Stage,
  name: string,
  more: { readonly clientId?: string; readonly mayRead?: boolean } = {},
): ManagedIdentity {
  const { world } = stage.sim.azure;
  const { clientId, mayRead = true } = more;
  const identity = world.addIdentity({
    resourceId: names.identityId(name),
    tenantId: names.tenant,
    ...(clientId === undefined ? {} : { clientId }),
  });
  if (mayRead) world.allowRead(names.vault, identity.principalId);
  return identity;
}

/** An AzureIdentity for a managed identity, and its binding, both called `name`. */
export async function bind(
  stage: Stage,
  of: Pick<ManagedIdentity, 'resourceId' | 'clientId'> & {
    readonly name: string;
    readonly namespace?: string;
    readonly selector?: string;
  },
): Promise<void> {
  for (const object of identityObjects({ ...of, id: of.resourceId })) await stage.create(object);
}

export async function remove(
  stage: Stage,
  of: {
    readonly kind: 'AzureIdentity' | 'AzureIdentityBinding';
    readonly name: string;
    readonly namespace?: string;
  },
): Promise<void> {
  const { kind, name, namespace = 'default' } = of;
  await deleteObject(stage.kube, { apiVersion, kind, metadata: { name, namespace } });
}

export interface Pool {
  readonly id: string;
  readonly nodes: readonly string[];
  /** The names of its identities, in lower case, sorted. */
  attached(): readonly string[];
  /** Waits until it has exactly these. */
  until(...identities: readonly string[]): Promise<void>;
  /** The bodies of its PATCHes. */
  patches(): readonly string[];
}

/** One more scale set, in Azure and as nodes, independent of the others. */
export async function addPool(
  stage: Stage,
  name: string,
  spec: {
    readonly instances?: number;
    readonly systemAssigned?: boolean;
    readonly identities?: readonly string[];
  } = {},
): Promise<Pool> {
  const { instances = 1, ...host } = spec;
  const { azure } = stage.sim;
  const id = names.scaleSetId(name);
  azure.world.addScaleSet({ id, instances, ...host });
  const nodes = Array.from({ length: instances }, (_, instance) => `${name}-${instance}`);
  for (const [instance, node] of nodes.entries())
    await stage.create({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: node },
      spec: { providerID: `azure://${id}/virtualMachines/${instance}` },
    });
  const attached = () => azure.world.attachedTo(id).map((one) => one.slice(one.lastIndexOf('/') + 1));
  return {
    id,
    nodes,
    attached,
    until: (...identities) => azure.world.until(() => attached().join() === [...identities].sort().join()),
    patches: () =>
      azure.journal
        .entries({ service: 'arm', method: 'PATCH', path: new RegExp(`/${name}$`, 'i') })
        .map(({ body = '' }) => body),
  };
}

/** A labelled pod on a node of a pool. It has no address, because it requests no tokens. */
export function startPod(
  stage: Stage,
  of: { readonly name: string; readonly node: string; readonly label: string; readonly namespace?: string },
): Promise<KubeObject> {
  const { name, node, label, namespace = 'default' } = of;
  return stage.create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { [names.bindingLabel]: label } },
    spec: {
      nodeName: node,
      serviceAccountName: 'default',
      containers: [{ name: 'app', image: 'local.test/app:1' }],
    },
  });
}

/** Deletes pods and waits until none of their AzureAssignedIdentities is left. */
export async function removePods(stage: Stage, ...pods: readonly KubeObject[]): Promise<void> {
  for (const pod of pods) await deleteObject(stage.kube, pod);
  for (const { metadata } of pods) await untilReleased(stage.kube, metadata.name, metadata.namespace);
}

/** The AzureAssignedIdentity of that name in `default`, when it fits. */
export function untilAssignedObject(
  stage: Stage,
  name: string,
  fits: (assigned: KubeObject) => boolean,
): Promise<KubeObject> {
  return untilObject(stage.kube, {
    path: assignedPath('default'),
    fits: (assigned) => assigned.metadata.name === name && fits(assigned),
  });
}

export interface Validation {
  /** Of NMI's answer. */
  readonly token: number;
  /** Of the vault's answer; undefined without a token. */
  readonly vault: number | undefined;
  readonly reason: string;
}

/** As the original's validator: gets a token as the pod, then reads a secret with it. */
export async function validate(stage: Stage, url: string, clientId?: string): Promise<Validation> {
  const selector = clientId === undefined ? '' : `&client_id=${clientId}`;
  const { status, token, reason } = await askForToken(url, selector);
  return {
    token: status,
    vault: token === undefined ? undefined : await readVault(stage, token),
    reason,
  };
}

const patienceMs = 60_000;

/** Repeats the request until the response fits: NMI's view of the cluster is only visible in its responses. */
export async function untilValidation(
  ask: () => Promise<Validation>,
  fits: (seen: Validation) => boolean,
): Promise<Validation> {
  const endsAt = performance.now() + patienceMs;
  for (;;) {
    const seen = await ask();
    if (fits(seen)) return seen;
    if (performance.now() > endsAt)
      throw new Error(`no response fitted within ${patienceMs / 1000} s; the last: ${JSON.stringify(seen)}`);
  }
}

export async function readVault({ sim }: Stage, token: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const url = `${sim.azure.vaultUrl(names.vault)}/secrets/database-password?api-version=7.4`;
  const headers = { authorization: `Bearer ${token}` };
  request(url, { ca: await readFile(sim.azure.caFile), agent: false, headers }, (response) => {
    response.resume().once('end', () => resolve(response.statusCode ?? 0));
  })
    .once('error', reject)
    .end();
  return within(patienceMs, 'an answer of the vault', promise);
}

/** The text of a service's /healthz. */
export async function healthOf(service: Service): Promise<string> {
  const response = await askAdmin(service, '/healthz');
  return response.text();
}

/** Waits until a started service is ready. */
export async function untilReady(service: Service, withinMs = patienceMs): Promise<void> {
  const endsAt = performance.now() + withinMs;
  for (;;) {
    const response = await askAdmin(service, '/readyz');
    const said = await response.text();
    if (response.ok) return;
    if (performance.now() > endsAt)
      throw new Error(`${service.name} was not ready within ${withinMs / 1000} s: ${said}`);
  }
}

async function askAdmin(service: Service, path: string): Promise<Response> {
  const line = await service.line((text) => {
    const { msg, role } = parseLine(text);
    return msg === 'admin server listening' && role === 'health';
  });
  return fetch(`http://127.0.0.1:${String(parseLine(line)['port'])}${path}`, {
    signal: AbortSignal.timeout(patienceMs),
  });
}
