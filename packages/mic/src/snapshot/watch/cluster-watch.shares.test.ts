import { createFakeClock } from '@pod-identity/kit/testing';
import { nameMissingRightAndRoles } from '@pod-identity/policy';
import { expect, test } from 'vitest';
import { createFakeLog } from '../../apply/test/fake-log.ts';
import { rawBinding, rawIdentity, rules } from '../../plan/test/builders.ts';
import { ClusterIndex } from '../index/cluster-index.ts';
import { createClusterWatch } from './cluster-watch.ts';
import { createFakeApi, paths } from './test/fake-api.ts';

const made = (second: number) => ({
  uid: `uid-${second}`,
  creationTimestamp: `2023-11-14T22:13:${second}Z`,
});
const anIdentity = (name: string, second: number, namespace = 'evil') =>
  rawIdentity({ namespace, name, metadata: made(second) });
const aBinding = (name: string, second: number) =>
  rawBinding({ namespace: 'evil', name, metadata: { ...made(second) } });

const subject = { namespace: 'evil', name: 'web' };
const target = { resource: 'managedidentities', names: [`/subscriptions/${'s'.repeat(200)}`] } as const;

/** Two of these objects fit into each sum. */
async function setUp(share: { readonly namespaceShareBytes?: number } = { namespaceShareBytes: 1_000 }) {
  const clock = createFakeClock();
  const api = createFakeApi();
  const index = new ClusterIndex(rules);
  const ending = new AbortController();
  const view = createClusterWatch({
    transport: api.transport,
    index,
    clock,
    random: () => 0,
    log: createFakeLog(),
    ...share,
  });
  const ended = view.run(ending.signal);
  await clock.advance(0);
  const putIdentities = async (...objects: readonly ReturnType<typeof anIdentity>[]) => {
    for (const object of objects) {
      api.put(paths.identities, object);
      await clock.advance(0);
    }
  };
  const putBindings = async (...objects: readonly ReturnType<typeof aBinding>[]) => {
    for (const object of objects) {
      api.put(paths.bindings, object);
      await clock.advance(0);
    }
  };
  const end = async () => {
    ending.abort();
    await ended;
  };
  return { index, view, putIdentities, putBindings, end };
}

test('of what a namespace has over its sum the youngest are not in the index, and others keep theirs', async () => {
  const { index, view, putIdentities, putBindings, end } = await setUp();
  await putIdentities(
    anIdentity('a', 10),
    anIdentity('b', 11),
    anIdentity('c', 12),
    anIdentity('d', 13, 'shop'),
  );
  await putBindings(aBinding('a', 10));
  const known = ['evil/a', 'evil/b', 'evil/c', 'shop/d'].filter(
    (key) => index.objects.identity(key) !== undefined,
  );
  expect(known).toEqual(['evil/a', 'evil/b', 'shop/d']);
  expect(Object.fromEntries(view.fullNamespaces())).toEqual({
    azureidentities: 1,
    azureidentitybindings: 0,
  });
  await end();
});

test('without a share nothing is left out', async () => {
  const { index, view, putIdentities, end } = await setUp({});
  const many = Array.from({ length: 20 }, (_, at) => anIdentity(`i${at + 10}`, at + 10));
  await putIdentities(...many);
  expect(
    many.filter(({ metadata }) => index.objects.identity(`evil/${metadata.name}`) === undefined),
  ).toEqual([]);
  expect(view.fullNamespaces().get('azureidentities')).toBe(0);
  await end();
});

test.each([
  ['short', 'is being attached to the hosts of the pods that use it'],
  ['with roles to paste', nameMissingRightAndRoles({ identity: 'evil/a', subject, targets: [target] })],
  ['as long as the author of the object could make it', 'ж'.repeat(4_000)],
  ['with long warnings', `${'ж'.repeat(372)}. Warning: ${'x'.repeat(2_000)}`],
  ['with warnings', `valid. Warning: ${'a field that has no effect; '.repeat(100)}`],
])("attack: MIC's own condition, %s, leaves out no object, however full the share is", async (_, message) => {
  const ready = {
    type: 'Ready',
    status: 'Unknown',
    reason: 'AccessWouldBeDenied',
    message,
    observedGeneration: 1_000,
    lastTransitionTime: '2023-11-14T22:13:20Z',
  };
  // From a share that holds one object to one that holds both with their conditions: at no size does a condition push one out.
  for (let namespaceShareBytes = 300; namespaceShareBytes < 1_000; namespaceShareBytes += 20) {
    const { index, putIdentities, end } = await setUp({ namespaceShareBytes });
    const both = [anIdentity('a', 10), anIdentity('b', 11)];
    const known = () => ['evil/a', 'evil/b'].filter((key) => index.objects.identity(key) !== undefined);
    await putIdentities(...both);
    const before = known();
    await putIdentities(...both.map((one) => ({ ...one, status: { conditions: [ready] } })));
    expect(known()).toEqual(before);
    await end();
  }
});
