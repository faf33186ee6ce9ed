// One list of good and bad objects: the parser and real API servers take and refuse the same, or the list says why not.
import {
  parseAzureAssignedIdentity,
  parseAzureIdentity,
  parseAzureIdentityBinding,
  parseAzurePodIdentityException,
  resources,
  type Kind,
} from '@pod-identity/crd-types';
import { connectKube, KubeError, type KubeTransport } from '@pod-identity/kit/kube';
import { startApiServer, type ApiServerFlavour, type RunningApiServer } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { established } from '../stage/cluster.ts';
import { applyObject, readManifests } from '../stage/objects.ts';
import { inDeploy } from '../stage/places.ts';
import { corpus } from './crd-corpus.ts';

const parsers = {
  AzureIdentity: parseAzureIdentity,
  AzureIdentityBinding: parseAzureIdentityBinding,
  AzureAssignedIdentity: parseAzureAssignedIdentity,
  AzurePodIdentityException: parseAzurePodIdentityException,
};

test('each case whose verdicts differ has a reason, and no other has one', () => {
  for (const { title, taken, because } of corpus)
    expect([title, because !== undefined]).toEqual([title, new Set(Object.values(taken)).size > 1]);
});

test.each(corpus)('the parser: $title', ({ kind, object, taken }) => {
  const parsed = parsers[kind](object);
  expect([parsed.ok, parsed.ok ? [] : parsed.problems]).toEqual([
    taken.parser,
    taken.parser ? [] : expect.anything(),
  ]);
});

for (const flavour of ['v1.36', 'v1.20'] as const satisfies ApiServerFlavour[]) {
  const server = await startApiServer({ flavour });
  if ('skipped' in server)
    console.log(`the corpus on a real API server ${flavour} is skipped: ${server.skipped}`);
  describe.skipIf('skipped' in server)(`the real API server ${flavour}`, () => {
    if (!('skipped' in server)) suite(server);
  });
}

function suite(server: RunningApiServer) {
  let admin: KubeTransport;

  beforeAll(async () => {
    admin = await connectKube({ kubeconfig: server.kubeconfig, userAgent: 'corpus-test' });
    for (const definition of await readManifests(inDeploy('crds'))) await applyObject(admin, definition);
    await established(admin);
  }, 120_000);
  afterAll(async () => {
    await admin.close();
    await server.stop();
  });

  test.each(corpus)('$title', async ({ kind, object, taken }) => {
    expect(await refusal(kind, object)).toEqual(taken.server ? undefined : expect.any(String));
  });

  async function refusal(kind: Kind, body: object): Promise<string | undefined> {
    const { group, version, plural } = resources[kind];
    const path = `/apis/${group}/${version}/namespaces/default/${plural}`;
    try {
      await admin.request({ method: 'POST', path, query: { dryRun: 'All' }, body });
      return undefined;
    } catch (error) {
      if (error instanceof KubeError && (error.status === 422 || error.status === 400)) return error.message;
      throw error;
    }
  }
}
