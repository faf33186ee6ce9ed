// Large objects of the original, which had no limits, under the schemas of today: before Kubernetes 1.30 a stored
// object that violates its schema cannot be written any more, not even its conditions or finalizers.
import { KubeError } from '@pod-identity/kit/kube';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeRealServers, type ServerUnderTest } from '../servers.ts';
import { onceServed } from '../../stage/cluster.ts';
import * as names from '../../stage/names.ts';
import { pathOf, readManifests, type KubeObject } from '../../stage/objects.ts';
import { inDeploy } from '../../stage/places.ts';
import { openStage, type Stage } from '../../stage/stage.ts';
import { untilNone, untilObject } from '../../stage/until.ts';

interface Condition {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

const apiVersion = 'aadpodidentity.k8s.io/v1';
const namespace = 'default';
const finalizers = ['azureassignedidentity.finalizers.aadpodidentity.k8s.io'];
const resourceID = names.firstIdentity.id;
const noClientId =
  'Warning: spec.clientID is "x", which is no GUID: write the client id (application id) of the identity';
const long = 'x'.repeat(200_000);
const large = {
  clientID: long,
  tenantID: long,
  adEndpoint: long,
  auxiliaryTenantIDs: Array(5_000).fill('x'),
};

const stored = (
  kind: string,
  name: string,
  { metadata, ...rest }: { readonly metadata?: object; readonly [field: string]: unknown },
): KubeObject => ({ apiVersion, kind, metadata: { name, namespace, ...metadata }, ...rest });
const annotated = { metadata: { annotations: { note: long } } };
/** Unknown keys of the length up to which MIC decodes a key, and longer, which have escape sequences in JSON. */
const longKeys = Object.fromEntries([506, 508, 510, 512, 600].map((at) => [`${'k'.repeat(at)}\n\n\n`, 1]));
const identities = [
  stored('AzureIdentity', 'plain', { spec: { type: 0, resourceID, clientID: 'x' } }),
  stored('AzureIdentity', 'spelled-2018', { spec: { type: 0, ResourceID: resourceID, ClientID: 'x' } }),
  stored('AzureIdentity', 'large', { spec: { type: 0, resourceID, ...large }, ...annotated }),
  stored('AzureIdentity', 'empty', {}),
  stored('AzureIdentity', 'long-keys', { spec: { type: 0, resourceID, ...longKeys } }),
  stored('AzureIdentity', 'misspelt', {
    spec: { type: 0, resourceID },
    metadata: { annotations: { 'aadpodidentity.k8s.io/BEHAVIOR': 'namespaced' } },
  }),
];
const bindings = [
  stored('AzureIdentityBinding', 'large', { spec: { azureIdentity: long, selector: long }, ...annotated }),
  stored('AzureIdentityBinding', 'plain', { spec: { azureIdentity: 'large', selector: 'x', weight: 7 } }),
  // The API server keeps a key like that of a condition, and MIC tells of it.
  stored('AzureIdentityBinding', 'look-alike', {
    spec: { azureIdentity: 'plain', selector: 'x', serviceAccountName: 'web', ServiceAccountName: '' },
  }),
  stored('AzureIdentityBinding', 'misspelt', {
    spec: { azureIdentity: 'plain', selector: 'x', podSelectors: { matchLabels: { app: 'web' } } },
  }),
];

/** The record of a deleted pod. */
function assigned(name: string, spec: object, state: object): KubeObject {
  const copies = {
    azureIdentityRef: stored('AzureIdentityList', 'large', { spec: { resourceID, ...spec }, ...annotated }),
    azureBindingRef: stored('AzureIdentityBindingList', 'large', { spec: { selector: 'x' } }),
  };
  const whose = { pod: name, podNamespace: namespace, nodename: names.nodeName(0), replicas: null };
  return stored('AzureAssignedIdentity', name, {
    spec: { ...copies, ...whose },
    metadata: { finalizers },
    ...state,
  });
}
const assignedIdentities = [
  assigned('plain', {}, { status: { status: 'Assigned', availableReplicas: 1 } }),
  assigned('large', large, { status: { status: 'Unassigned', availableReplicas: 1 } }),
  assigned('before-1-6', {}, { Status: { status: 'Created', availableReplicas: 1, note: long } }),
];

/** The definition without a schema, as in early versions of the original. */
function ofOriginal(definition: KubeObject): KubeObject {
  const spec = definition['spec'] as { readonly versions: readonly object[] };
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    ...definition,
    spec: { ...spec, versions: [{ name: 'v1', served: true, storage: true, schema }] },
  };
}

describeRealServers("the original's stored objects on $name", (choice) => {
  let server: ServerUnderTest;
  let stage: Stage;

  const collection = (kind: string) => pathOf({ apiVersion, kind, namespace });
  const patchStatus = (kind: string, name: string, status: object) =>
    stage.kube.request({
      method: 'PATCH',
      path: `${collection(kind)}/${name}/status`,
      body: { status },
      contentType: 'application/merge-patch+json',
    });
  const readyOf = async ({ kind, metadata: { name } }: KubeObject) => {
    const ready = (object: KubeObject) =>
      (object['status'] as { conditions?: Condition[] } | undefined)?.conditions?.find(
        ({ type }) => type === 'Ready',
      );
    const object = await untilObject(stage.kube, {
      path: collection(kind),
      fits: (one) => one.metadata.name === name && ready(one) !== undefined,
    });
    const { reason, message = '' } = ready(object) ?? {};
    const warning = /(?<=\. )Warning: .*$/.exec(message)?.[0];
    return `${kind} ${name}: ${[reason, ...(warning === undefined ? [] : [warning])].join(', ')}`;
  };

  beforeAll(async () => {
    server = await choice.start();
    stage = await openStage({ ...server.options, nodes: 1 });
    for (const definition of await readManifests(inDeploy('crds')))
      await stage.create(ofOriginal(definition));
    for (const object of [...identities, ...bindings, ...assignedIdentities])
      await onceServed(object.kind, () => stage.create(object));
    await stage.install();
    for (const kind of ['AzureIdentity', 'AzureIdentityBinding'])
      await onceServed(`status of ${kind}`, () => patchStatus(kind, 'plain', {}));
    await stage.startMic('1');
  });
  afterAll(async () => {
    await stage.stop();
    await server.stop();
  });

  test('MIC writes the condition of each', async () => {
    expect(await Promise.all([...identities, ...bindings].map(readyOf))).toEqual([
      `AzureIdentity plain: NotInUse, ${noClientId}`,
      `AzureIdentity spelled-2018: NotInUse, ${noClientId}`,
      'AzureIdentity large: InvalidSpec',
      'AzureIdentity empty: InvalidSpec',
      'AzureIdentity long-keys: NotInUse',
      'AzureIdentity misspelt: NotInUse',
      'AzureIdentityBinding large: InvalidSpec',
      'AzureIdentityBinding plain: IdentityInvalid',
      'AzureIdentityBinding look-alike: InvalidSpec',
      'AzureIdentityBinding misspelt: InvalidSpec',
    ]);
  });

  test("MIC removes the original's finalizer of every AzureAssignedIdentity whose pod is gone", async () => {
    await untilNone(stage.kube, { path: collection('AzureAssignedIdentity'), fits: () => true });
  });

  test('conditions are limited in number and in length', async () => {
    const condition = { type: 'A', status: 'True', reason: 'B', message: 'c' };
    const at = { lastTransitionTime: '2026-01-01T00:00:00Z' };
    const many = Array.from({ length: 17 }, (_, n) => ({ ...condition, ...at, type: `A${n}` }));
    for (const conditions of [
      many,
      [{ ...condition, ...at, message: 'c'.repeat(32_769) }],
      [{ ...condition, ...at, reason: 'B'.repeat(1_025) }],
      [{ ...condition, ...at, type: 'A'.repeat(317) }],
    ])
      await expect(patchStatus('AzureIdentityBinding', 'plain', { conditions })).rejects.toThrow(KubeError);
    await patchStatus('AzureIdentityBinding', 'plain', { conditions: many.slice(1) });
  });
});
