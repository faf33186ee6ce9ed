// crd-types beside @kubernetes/client-node, as a tool would use both, with real API servers.
import {
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  type KubernetesListObject,
} from '@kubernetes/client-node';
import { customResourceDefinitions, parseAzureIdentity, type AzureIdentity } from '@pod-identity/crd-types';
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import { startApiServer, type ApiServerFlavour, type RunningApiServer } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { established } from '../stage/cluster.ts';

for (const flavour of ['v1.36', 'v1.20'] as const satisfies ApiServerFlavour[]) {
  const server = await startApiServer({ flavour });
  if ('skipped' in server)
    console.log(`the tests of client-node with a real API server ${flavour} are skipped: ${server.skipped}`);
  describe.skipIf('skipped' in server)(`client-node with the real API server ${flavour}`, () => {
    if (!('skipped' in server)) suite(server);
  });
}

function suite(server: RunningApiServer) {
  const config = new KubeConfig();
  let admin: KubeTransport;

  beforeAll(async () => {
    config.loadFromFile(server.kubeconfig);
    admin = await connectKube({ kubeconfig: server.kubeconfig, userAgent: 'client-node-test' });
    const objects = KubernetesObjectApi.makeApiClient(config);
    for (const definition of customResourceDefinitions()) await objects.create(definition);
    await established(admin);
  }, 120_000);
  afterAll(async () => {
    await admin.close();
    await server.stop();
  });

  test('sends the CustomResourceDefinitions whole: enums, defaults and the keywords of Kubernetes', async () => {
    for (const definition of customResourceDefinitions()) {
      const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${definition.metadata.name}`;
      const stored = await admin.request({ method: 'GET', path });
      expect(stored).toMatchObject({
        spec: { versions: JSON.parse(JSON.stringify(definition.spec.versions)) as unknown },
      });
    }
  });

  test('gives objects that the parser reads, from a list and from an informer', async () => {
    const objects = KubernetesObjectApi.makeApiClient(config);
    const resourceID =
      '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader';
    const identity: AzureIdentity = {
      apiVersion: 'aadpodidentity.k8s.io/v1',
      kind: 'AzureIdentity',
      metadata: { name: 'listed', namespace: 'default' },
      spec: { type: 0, resourceID },
    };
    await objects.create(identity);
    const list = (): Promise<KubernetesListObject<AzureIdentity>> =>
      objects.list<AzureIdentity>(identity.apiVersion, identity.kind);
    const [listed] = (await list()).items;
    const read = await objects.read<AzureIdentity>(identity);
    // Items of its lists have strings.
    expect(read.metadata.creationTimestamp).toBeInstanceOf(Date);
    for (const object of [listed, read])
      expect(parseAzureIdentity(object)).toMatchObject({
        ok: true,
        value: { metadata: { creationTimestamp: read.metadata.creationTimestamp }, spec: { resourceID } },
      });

    const informer = makeInformer<AzureIdentity>(
      config,
      '/apis/aadpodidentity.k8s.io/v1/azureidentities',
      list,
    );
    const seen = new Map<string, AzureIdentity>();
    informer.on('add', (object) => void seen.set(object.metadata.name, object));
    await informer.start();
    try {
      await objects.create({ ...identity, metadata: { name: 'watched', namespace: 'default' } });
      await expect
        .poll(() => [...seen.keys()].sort(), {
          message: 'the informer adds both AzureIdentities',
          timeout: 30_000,
        })
        .toEqual(['listed', 'watched']);
      for (const object of seen.values())
        expect(parseAzureIdentity(object)).toMatchObject({
          ok: true,
          value: { metadata: { creationTimestamp: expect.any(Date) as unknown }, spec: { resourceID } },
        });
    } finally {
      await informer.stop();
    }
  });
}
