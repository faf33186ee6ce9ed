import { describe, expect, test } from 'vitest';
import {
  coreKinds,
  createResource,
  listPages,
  type KubeRequest,
  type ResourceClient,
  type ResourceKind,
} from '@pod-identity/kit/kube';
import { createScriptedApi } from './fixtures/scripted-api.ts';

const custom: ResourceKind = {
  group: 'g.io',
  version: 'v1',
  kind: 'Thing',
  plural: 'things',
  namespaced: true,
};
interface Thing {
  metadata: { name: string; namespace?: string };
  spec?: { a: number };
}
const thing: Thing = { metadata: { name: 't', namespace: 'ns' }, spec: { a: 1 } };
const key = { name: 't', namespace: 'ns' };
const base = '/apis/g.io/v1/namespaces/ns/things';
const typed = { apiVersion: 'g.io/v1', kind: 'Thing', ...thing };
const merge = 'application/merge-patch+json';

async function requestOf(call: (client: ResourceClient<Thing>) => Promise<unknown>): Promise<KubeRequest> {
  const api = createScriptedApi(() => ({ ok: true }));
  await call(createResource<Thing>(api.transport, custom));
  return api.lists[0]!;
}

describe('resource client', () => {
  test.each<[string, (client: ResourceClient<Thing>) => Promise<unknown>, Partial<KubeRequest>]>([
    ['get', (c) => c.get(key), { method: 'GET', path: `${base}/t` }],
    [
      'get of an odd name',
      (c) => c.get({ ...key, name: 'a/b?c' }),
      { method: 'GET', path: `${base}/a%2Fb%3Fc` },
    ],
    ['create', (c) => c.create(thing), { method: 'POST', path: base, body: typed }],
    ['replace', (c) => c.replace(thing), { method: 'PUT', path: `${base}/t`, body: typed }],
    ['delete', (c) => c.delete(key), { method: 'DELETE', path: `${base}/t` }],
    [
      'delete of exactly this one',
      (c) => c.delete(key, { uid: 'u', resourceVersion: '5' }),
      {
        body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: 'u', resourceVersion: '5' } },
      },
    ],
    [
      'merge patch',
      (c) => c.patch(key, { spec: { a: 2 } }),
      { method: 'PATCH', path: `${base}/t`, contentType: merge, body: { spec: { a: 2 } } },
    ],
    [
      'merge patch of the status of exactly this version',
      (c) => c.patch(key, { metadata: { labels: {} } }, { subresource: 'status', resourceVersion: '5' }),
      { path: `${base}/t/status`, body: { metadata: { labels: {}, resourceVersion: '5' } } },
    ],
  ])('%s', async (_, call, expected) => {
    expect(await requestOf(call)).toMatchObject(expected);
  });

  test('all verbs pass the signal on', async () => {
    const { signal } = new AbortController();
    const calls: ((client: ResourceClient<Thing>) => Promise<unknown>)[] = [
      (c) => c.get(key, { signal }),
      (c) => c.list({ signal }),
      (c) => c.create(thing, { signal }),
      (c) => c.replace(thing, { signal }),
      (c) => c.patch(key, {}, { signal }),
      (c) => c.delete(key, { signal }),
    ];
    for (const call of calls) expect((await requestOf(call)).signal).toBe(signal);
  });

  test('list returns the objects of all pages', async () => {
    const pages = [
      { metadata: { continue: 'c', resourceVersion: '7' }, items: [thing] },
      { metadata: { resourceVersion: '7' }, items: null },
    ];
    const api = createScriptedApi(() => pages.shift());
    const query = { namespace: 'ns', labelSelector: 'a=b' };
    const items = await createResource<Thing>(api.transport, custom).list({ ...query });
    expect(items).toEqual([typed]);
    expect(api.lists.map(({ path, query: sent }) => [path, sent])).toMatchObject([
      [base, { labelSelector: 'a=b', limit: '500', continue: undefined }],
      [base, { labelSelector: 'a=b', limit: '500', continue: 'c' }],
    ]);
  });

  test('kinds of the core group and without namespaces have their own paths', async () => {
    const api = createScriptedApi(() => ({}));
    await createResource(api.transport, coreKinds.nodes).get({ name: 'n1', namespace: 'ignored' });
    await createResource(api.transport, coreKinds.pods).list();
    expect(api.lists.map(({ path }) => path)).toEqual(['/api/v1/nodes/n1', '/api/v1/pods']);
  });

  test('an object or key without name or namespace throws', async () => {
    const client = createResource<Thing>(createScriptedApi(() => ({})).transport, custom);
    await expect(client.get({ name: 't' })).rejects.toThrow(TypeError);
    await expect(client.replace({ metadata: { name: '' } })).rejects.toThrow(TypeError);
  });
});

test('a list in pages: the next one is requested when the caller takes it', async () => {
  const pages = [
    { items: [thing, { metadata: { name: 'left-out' } }], metadata: { continue: 'more' } },
    { items: [{ ...thing, metadata: { name: 'u' } }], metadata: {} },
  ];
  const api = createScriptedApi(() => pages.shift());
  const taken: unknown[] = [];
  const nameOf = (object: unknown) => ((object as Thing).spec ? (object as Thing).metadata.name : undefined);
  for await (const names of listPages({ transport: api.transport, kind: custom, pageSize: 2 }, nameOf))
    taken.push([names, api.lists.length]);
  expect(taken).toEqual([
    [['t'], 1],
    [['u'], 2],
  ]);
  expect(api.lists[1]?.query).toMatchObject({ limit: '2', continue: 'more' });
});
