// What people write into selectors: the parser and real API servers with deploy/crds take the same, and refuse the same.
import { parseAzureIdentity, parseAzureIdentityBinding, type Parsed } from '@pod-identity/crd-types';
import { connectKube, KubeError, type KubeTransport } from '@pod-identity/kit/kube';
import { startApiServer, type ApiServerFlavour, type RunningApiServer } from '@pod-identity/kit/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { established } from '../../../tools/stage/cluster.ts';
import { applyObject, readManifests } from '../../../tools/stage/objects.ts';
import { inDeploy } from '../../../tools/stage/places.ts';
import { resourceIdOf } from './builders.ts';

const apiVersion = 'aadpodidentity.k8s.io/v1';
const metadata = { name: 'tried', namespace: 'default' };
const identitySpec = { type: 0, resourceID: resourceIdOf('reader') };

const word = fc.constantFrom('web', 'a', 'A.b_c-d', 'v'.repeat(63), 'x1');
const badWord = fc.constantFrom('a b', '-a', 'a-', 'v'.repeat(64), 'ä', 'a/b', '*');
const key = fc.oneof(word, fc.constantFrom('example.com/team', 'a.b/c'));
const badKey = fc.constantFrom('', 'a b', '/a', 'A.com/b', 'a/b/c', 'a/');
const value = fc.oneof(word, fc.constant(''));
const often = <T>(good: fc.Arbitrary<T>, bad: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ arbitrary: good, weight: 12 }, { arbitrary: bad, weight: 1 });
const no = fc.constantFrom<unknown>(1, true, 'text');

const values = often(
  fc.array(often(value, fc.oneof(badWord, no)), { minLength: 1, maxLength: 3 }),
  fc.oneof(fc.constant([]), fc.constant(Array.from({ length: 17 }, (_, at) => `v${at}`)), no),
);
const requirement = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ key: often(key, badKey), operator: fc.constantFrom('In', 'NotIn'), values }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      key: often(key, badKey),
      operator: often(fc.constantFrom('Exists', 'DoesNotExist'), fc.constantFrom('exists', 'Gt', '', 1)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record(
      { key, operator: fc.constantFrom('In', 'Exists'), values: fc.constantFrom([], ['a']) },
      { requiredKeys: [] },
    ),
  },
);
const labels = often(
  fc.dictionary(key, often(value, fc.oneof(badWord, no)) as fc.Arbitrary<string>, {
    maxKeys: 3,
    noNullPrototype: true,
  }),
  fc.oneof(
    no,
    fc.constant(Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`k${at}`, 'v']))),
    fc.constant(null),
  ),
);
const expressions = often(
  fc.array(requirement, { maxLength: 3 }),
  fc.oneof(
    no,
    fc.constant(null),
    fc.constant(Array.from({ length: 9 }, () => ({ key: 'a', operator: 'Exists' }))),
  ),
);
const selector = often(
  fc.record({ matchLabels: labels, matchExpressions: expressions }, { requiredKeys: [] }),
  fc.oneof(no, fc.constant(null), fc.constant([])),
);
const account = often(
  fc.constantFrom('default', 'a.b-c', '', 'x'.repeat(253)),
  fc.oneof(fc.constantFrom('A', 'a_b', '-a', 'x'.repeat(254)), no, fc.constant(null)),
);
const bindings = fc
  .record(
    {
      podSelector: selector,
      serviceAccountName: account,
      default: often(fc.boolean(), fc.constantFrom('true', 1, null)),
    },
    { requiredKeys: [] },
  )
  .map((spec) => ({
    apiVersion,
    kind: 'AzureIdentityBinding',
    metadata,
    spec: { azureIdentity: 'reader', selector: 'demo', ...spec },
  }));
const names = often(
  fc.array(
    often(fc.constantFrom('shop', 'a-b', 'n'.repeat(63)), fc.constantFrom('', 'A', 'a.b', 'n'.repeat(64), 1)),
    {
      maxLength: 3,
    },
  ),
  fc.oneof(no, fc.constant(null), fc.constant(Array.from({ length: 65 }, (_, at) => `n${at}`))),
);
const identities = often(
  fc.record({ names, selector }, { requiredKeys: [] }),
  fc.oneof(no, fc.constant(null)),
).map((allowedNamespaces) => ({
  apiVersion,
  kind: 'AzureIdentity',
  metadata,
  spec: { ...identitySpec, allowedNamespaces },
}));

for (const flavour of ['v1.36', 'v1.20'] as const satisfies ApiServerFlavour[]) {
  const server = await startApiServer({ flavour });
  if ('skipped' in server)
    console.log(`the tests against a real API server ${flavour} are skipped: ${server.skipped}`);
  describe.skipIf('skipped' in server)(`the real API server ${flavour}`, () => {
    if (!('skipped' in server)) suite(server);
  });
}

function suite(server: RunningApiServer) {
  let admin: KubeTransport;

  beforeAll(async () => {
    admin = await connectKube({ kubeconfig: server.kubeconfig, userAgent: 'schemas-test' });
    for (const definition of await readManifests(inDeploy('crds'))) await applyObject(admin, definition);
    await established(admin);
  }, 120_000);
  afterAll(async () => {
    await admin.close();
    await server.stop();
  });

  const takes = async (plural: string, body: object): Promise<boolean> => {
    const path = `/apis/${apiVersion}/namespaces/default/${plural}`;
    try {
      await admin.request({ method: 'POST', path, query: { dryRun: 'All' }, body });
      return true;
    } catch (error) {
      if (error instanceof KubeError && error.status === 422) return false;
      throw error;
    }
  };

  test.for([
    ['azureidentitybindings', bindings, parseAzureIdentityBinding],
    ['azureidentities', identities, parseAzureIdentity],
  ] as const)(
    'takes the %s that the parser takes',
    { timeout: 120_000 },
    async ([plural, objects, parse]) => {
      const verdicts = { taken: 0, refused: 0 };
      await fc.assert(
        fc.asyncProperty(objects as fc.Arbitrary<object>, async (object) => {
          const parsed: Parsed<unknown> = parse(object);
          const isTaken = await takes(plural, object);
          verdicts[isTaken ? 'taken' : 'refused'] += 1;
          expect([isTaken, parsed.ok ? [] : parsed.problems]).toEqual([
            parsed.ok,
            parsed.ok ? [] : (expect.anything() as unknown),
          ]);
        }),
        { numRuns: 250 },
      );
      expect(verdicts.taken).toBeGreaterThan(20);
      expect(verdicts.refused).toBeGreaterThan(20);
    },
  );

  test('keeps a key that means nothing, so that the parser can refuse it', async () => {
    const spec = {
      azureIdentity: 'reader',
      podSelector: { matchLabels: { app: 'web' }, matchExpresions: [] },
    };
    const path = `/apis/${apiVersion}/namespaces/default/azureidentitybindings`;
    const body = { apiVersion, kind: 'AzureIdentityBinding', metadata, spec };
    const kept = await admin.request({ method: 'POST', path, query: { dryRun: 'All' }, body });
    expect(parseAzureIdentityBinding(kept)).toMatchObject({
      ok: false,
      problems: [{ path: 'spec.podSelector.matchExpresions' }],
    });
  });
}
