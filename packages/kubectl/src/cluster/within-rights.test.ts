import { KubeError, type KubeRequest, type KubeTransport } from '@pod-identity/kit/kube';
import { describe, expect, it } from 'vitest';
import { readWithinRights, type Needs } from './within-rights.ts';

const pods = '/api/v1/pods';
const exceptions = '/apis/aadpodidentity.k8s.io/v1/azurepodidentityexceptions';
const list = { metadata: { resourceVersion: '7' }, items: [{}] };

/** An API server that allows these paths. */
function server(...given: readonly (string | Partial<Needs>)[]) {
  const allowed = given.filter((each) => typeof each === 'string');
  const needs = given.find((each) => typeof each !== 'string');
  const asked: string[] = [];
  const kube: KubeTransport = {
    server: 'https://example.invalid',
    close: () => Promise.resolve(),
    request({ path }) {
      asked.push(path);
      return allowed.includes(path)
        ? Promise.resolve(list)
        : Promise.reject(new KubeError('denied', `${path} is forbidden`));
    },
    async *watch({ path }) {
      asked.push(`watch ${path}`);
      await Promise.resolve();
      yield path;
    },
  };
  const within = readWithinRights(kube, {
    namespace: 'shop',
    optional: ['nodes', 'azurepodidentityexceptions'],
    ...needs,
  });
  const get = (path: string, more: Partial<KubeRequest> = {}) =>
    within.transport.request({ method: 'GET', path, ...more });
  return { within, get, asked };
}

describe('a list of the whole cluster', () => {
  it('is read as it is by whoever may', async () => {
    const { within, get, asked } = server(pods);
    expect(await get(pods)).toBe(list);
    expect([asked, within.lacking()]).toEqual([[pods], []]);
  });

  it('becomes that of the namespace when it is refused, also its next page and its watch', async () => {
    const own = '/api/v1/namespaces/shop/pods';
    const { within, get, asked } = server(own);
    expect(await get(pods)).toBe(list);
    expect(await get(pods, { query: { continue: 'x' } })).toBe(list);
    for await (const path of within.transport.watch({ method: 'GET', path: pods })) expect(path).toBe(own);
    expect(asked).toEqual([pods, own, own, `watch ${own}`]);
    expect(within.lacking()).toEqual([
      'not taken into account, since you may not list them: pods of other namespaces',
    ]);
  });

  it('of Namespaces becomes the one Namespace, and nothing changes in it', async () => {
    const { within, get } = server('/api/v1/namespaces/shop');
    expect(await get('/api/v1/namespaces')).toEqual({ metadata: { resourceVersion: '0' }, items: [list] });
    const signal = AbortSignal.abort();
    const seen = within.transport.watch({ method: 'GET', path: '/api/v1/namespaces', signal });
    for await (const event of seen) expect(event).toBeUndefined();
  });

  it('that can be spared counts as empty, and that is said', async () => {
    const { within, get } = server();
    for (const path of ['/api/v1/nodes', exceptions]) expect(await get(path)).toMatchObject({ items: [] });
    expect(within.lacking()).toEqual([
      'not taken into account, since you may not list them: azurepodidentityexceptions, nodes',
    ]);
  });

  it('that nothing can be said without is refused, and whoever waits for others learns it', async () => {
    const { within, get } = server();
    await expect(get(pods)).rejects.toMatchObject({ code: 'denied' });
    await expect(within.refused).rejects.toThrow('you may not list pods in namespace shop');
  });
});

describe('a list of one namespace', () => {
  it('counts as empty if only those of another one are wanted, and nothing is asked', async () => {
    const { within, get, asked } = server({ only: ['pods'] }, '/api/v1/namespaces/pay/pods');
    expect(await get('/api/v1/namespaces/pay/pods')).toMatchObject({ items: [] });
    const signal = AbortSignal.abort();
    const path = '/api/v1/namespaces/pay/pods';
    for await (const event of within.transport.watch({ method: 'GET', path, signal }))
      expect(event).toBeUndefined();
    expect([asked, within.lacking()]).toEqual([[], []]);
  });

  it('that is refused and can be spared counts as empty, and that is said', async () => {
    const { within, get } = server({ optional: ['pods'] });
    expect(await get('/api/v1/namespaces/pay/pods')).toMatchObject({ items: [] });
    expect(within.lacking()).toEqual([
      'not taken into account, since you may not list them: pods of other namespaces',
    ]);
  });
});

it('Requests for objects, and writes, are passed on as they are', async () => {
  const { get, asked } = server();
  for (const path of ['/api/v1/namespaces/shop/pods/web', '/api/v1/namespaces/shop/pods'])
    await expect(get(path)).rejects.toMatchObject({ code: 'denied' });
  await expect(get('/api/v1/pods', { method: 'POST' })).rejects.toMatchObject({ code: 'denied' });
  expect(asked).toHaveLength(3);
});
