import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, expect, test } from 'vitest';
import { createFakeLog } from '../../apply/test/fake-log.ts';
import { binding, identity, idOf, node, pod } from '../../plan/test/builders.ts';
import { skipsOf } from '../../plan/desired.ts';
import { explainSkip } from '../../tell/explain-skip.ts';
import { reportSkip } from '../../tell/report.ts';
import { ClusterIndex } from '../index/cluster-index.ts';
import { watchNamespaces } from './namespace-source.ts';
import { createFakeApi, type RawObject } from './test/fake-api.ts';

const path = '/api/v1/namespaces';
const accepts = { 'identities-from.aadpodidentity.k8s.io/bank': 'true', a: 'x' };
const endings: AbortController[] = [];
afterEach(() => endings.splice(0).forEach((ending) => ending.abort()));

let version = 0;
const labelled = (name: string, labels: Readonly<Record<string, string>>): RawObject =>
  ({ metadata: { name, uid: name, resourceVersion: `${(version += 1)}`, labels } }) as RawObject;
const long = (name: string) => labelled(name, { a: 'x'.repeat(192) });

/** Room for ten times the labels of `long`. `shop` may use an identity of `bank` that allows Namespaces with the label `a`. */
async function setUp(objects: readonly RawObject[]) {
  const clock = createFakeClock();
  const api = createFakeApi();
  const index = new ClusterIndex({ forceNamespaced: true, byAllowedNamespaces: true });
  index.apply({ kind: 'node', key: 'node-0', view: node() });
  const spec = {
    type: 0,
    resourceID: idOf('reader'),
    allowedNamespaces: { selector: { matchLabels: { a: 'x' } } },
  };
  const guest = { namespace: 'bank', name: 'reader', spec };
  index.apply({ kind: 'identity', key: 'bank/reader', view: identity(guest) });
  const view = binding({ namespace: 'bank' });
  index.apply({ kind: 'binding', key: view.key, view });
  index.apply({ kind: 'pod', key: 'shop/web-0', view: pod() });
  for (const object of objects) api.put(path, object);
  const log = createFakeLog();
  const ending = new AbortController();
  const watching = { end: new AbortController() };
  const namespaces = watchNamespaces({
    transport: {
      ...api.transport,
      watch: ({ signal = ending.signal, ...request }) =>
        api.transport.watch({ ...request, signal: AbortSignal.any([signal, watching.end.signal]) }),
    },
    index,
    clock,
    random: () => 0,
    log,
    mostLabels: 2_000,
  });
  endings.push(ending);
  const told = { changes: 0 };
  namespaces.onChange(() => (told.changes += 1));
  void namespaces.run(ending.signal);
  await clock.advance(0);
  const put = async (object: RawObject) => {
    api.put(path, object);
    await clock.advance(0);
  };
  const usable = () =>
    index
      .settle()
      .rightsOf('shop/web-0')
      .usable.map(({ identityKey }) => identityKey);
  /** Everything is listed again, if that was asked for. */
  const endWatch = async () => {
    await clock.advance(600_000);
    watching.end.abort();
    watching.end = new AbortController();
    await clock.advance(10_000);
  };
  return { clock, api, index, namespaces, put, usable, endWatch, told, log };
}

test('labels of Namespaces count, without being kept by the watch', async () => {
  const { namespaces, usable, index } = await setUp([labelled('shop', accepts)]);
  expect(usable()).toEqual(['bank/reader']);
  expect(namespaces.store.get('shop')).toEqual({ name: 'shop', labels: undefined, access: undefined });
  expect([namespaces.labelsLeftOut(), index.labelsFault('shop')]).toEqual([0, undefined]);
});

test('Namespaces that others create in any number do not displace labels', async () => {
  const { namespaces, usable, put, index, log } = await setUp([labelled('shop', accepts)]);
  for (let number = 0; number < 50; number += 1) await put(long(`crowd-${number}`));
  expect(usable()).toEqual(['bank/reader']);
  expect(namespaces.labelsLeftOut()).toBeGreaterThan(40);
  expect(namespaces.labelsLeftOut()).toBe(
    Array.from({ length: 50 }, (_, number) => index.labelsFault(`crowd-${number}`)).filter(Boolean).length,
  );
  expect(log.lines.some(({ message }) => message.includes('more than MIC keeps'))).toBe(true);
});

test('where labels have no room the pods lose at once what they got by them, and are told why, until there is room', async () => {
  const { usable, put, index, api, clock, namespaces, endWatch, told } = await setUp([
    labelled('shop', { ...accepts, b: 'x'.repeat(300) }),
  ]);
  for (let number = 0; number < 9; number += 1) await put(long(`crowd-${number}`));
  expect(usable()).toEqual([]);
  const [skip] = skipsOf(index, 'shop/web-0');
  expect(skip).toMatchObject({ reason: 'other-namespace' });
  expect(skip?.unbound).toMatchObject({
    labelsFault: expect.stringContaining('of all Namespaces together') as string,
  });
  const texts = skip && [JSON.stringify(reportSkip(skip)), JSON.stringify(explainSkip(skip))];
  for (const text of texts ?? []) expect(text).toContain('of all Namespaces together');
  expect(namespaces.labelsLeftOut()).toBe(3);
  for (let number = 0; number < 7; number += 1) {
    api.remove(path, labelled(`crowd-${number}`, {}));
    await clock.advance(0);
  }
  expect(usable()).toEqual([]);
  const { changes } = told;
  await endWatch();
  expect([usable(), namespaces.labelsLeftOut()]).toEqual([['bank/reader'], 0]);
  expect([told.changes - changes, index.labelsFault('shop')]).toEqual([1, undefined]);
});

test('a Namespace that is gone takes its labels along', async () => {
  const { usable, api, clock, index } = await setUp([labelled('shop', accepts)]);
  api.remove(path, labelled('shop', accepts));
  await clock.advance(0);
  expect(usable()).toEqual([]);
  expect(index.labelsFault('shop')).toBeUndefined();
});
