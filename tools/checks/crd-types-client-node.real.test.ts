// crd-types beside @kubernetes/client-node, as a tool would use both, with real API servers.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  type KubernetesListObject,
} from '@kubernetes/client-node';
import { apiVersion, parseAzureIdentity, type AzureIdentity } from '@pod-identity/crd-types';
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import { startApiServer, type ApiServerFlavour, type RunningApiServer } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { established } from '../stage/cluster.ts';
import { applyObject, readManifests } from '../stage/objects.ts';
import { inDeploy, repository } from '../stage/places.ts';
import { runExample } from './run-example.ts';

const resourceID =
  '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader';

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
    await applyDefinitions(admin);
  }, 120_000);
  afterAll(async () => {
    await admin.close();
    await server.stop();
  });

  test('gives objects that the parser reads, from a list and from an informer', async () => {
    const objects = KubernetesObjectApi.makeApiClient(config);
    const identity: AzureIdentity = {
      apiVersion,
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
        .poll(() => [...seen.keys()].sort(), { message: 'the informer adds both AzureIdentities' })
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

  test('runs the example of the README, also a second time and when the definition is deleted meanwhile', async () => {
    const [example = ''] = /(?<=^```ts\n)(?:(?!^```).)*makeInformer.*?(?=^```)/ms.exec(readme) ?? [];
    const env = { KUBECONFIG: server.kubeconfig };
    const first = await runExample(example, env);
    try {
      await createIdentity(config, 'first');
      await first.printed(/^default first \[/m);
      await deleteDefinition(admin);
      await first.printed(/^the informer starts again in 5 s: /m);
      await applyDefinitions(admin);
      const second = await runExample(example, env);
      try {
        await createIdentity(config, 'second');
        await second.printed(/^default second \[/m);
        await first.printed(/^default second \[/m);
      } finally {
        await second.stop();
      }
    } finally {
      await first.stop();
    }
  });
}

const readme = readFileSync(join(repository, 'packages/crd-types/README.md'), 'utf8');

async function applyDefinitions(admin: KubeTransport): Promise<void> {
  for (const definition of await readManifests(inDeploy('crds'))) await applyObject(admin, definition);
  await established(admin);
}

async function deleteDefinition(admin: KubeTransport): Promise<void> {
  const path =
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/azureidentities.aadpodidentity.k8s.io';
  await admin.request({ method: 'DELETE', path });
  await expect
    .poll(() => admin.request({ method: 'GET', path }).catch((error: unknown) => error), {
      message: 'the CustomResourceDefinition of AzureIdentity is gone',
    })
    .toMatchObject({ code: 'not-found' });
}

/** As soon as the definition of an example is established. */
async function createIdentity(config: KubeConfig, name: string): Promise<void> {
  const identity = {
    apiVersion,
    kind: 'AzureIdentity',
    metadata: { name, namespace: 'default' },
    spec: { type: 0, resourceID },
  };
  await expect
    .poll(
      () =>
        KubernetesObjectApi.makeApiClient(config)
          .create(identity)
          .catch((error: unknown) => error),
      { message: `AzureIdentity ${name} is created` },
    )
    .toMatchObject({ metadata: { name } });
}
