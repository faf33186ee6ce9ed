import { KubeError, type KubeRequest, type KubeTransport } from '@pod-identity/kit/kube';
import { expect, test } from 'vitest';
import { createFakeLog } from './test/fake-log.ts';
import { upgradeStoredObjects } from './upgrade.ts';

const base = '/apis/aadpodidentity.k8s.io/v1';
const old = (name: string, version = '1') => ({
  ...{ apiVersion: 'aadpodidentity.k8s.io/v1', kind: 'AzureIdentityBinding' },
  metadata: { name, namespace: 'ns', resourceVersion: version },
  spec: { AzureIdentity: 'a', Selector: 's' },
});
const fresh = (name: string) => ({ ...old(name), spec: { azureIdentity: 'a', selector: 's' } });

function setUp(answers: Record<string, (request: KubeRequest) => unknown> = {}) {
  const sent: KubeRequest[] = [];
  let holds = true;
  const transport: KubeTransport = {
    server: 'fake',
    close: () => Promise.resolve(),
    watch: () => {
      throw new TypeError('nothing is watched');
    },
    async request(request) {
      await Promise.resolve();
      if (request.method !== 'GET') sent.push(request);
      const answer = answers[`${request.method} ${request.path}`];
      if (answer) return answer(request);
      if (request.method !== 'GET') return request.body;
      if (request.path.includes('/configmaps/'))
        throw new KubeError('not-found', 'no marker', { status: 404 });
      if (request.path.includes('/azureidentitybindings/')) return old(request.path.split('/').at(-1) ?? '');
      return { items: [], metadata: { resourceVersion: '1' } };
    },
  };
  const log = createFakeLog();
  const run = () =>
    upgradeStoredObjects({
      ...{ transport, log },
      term: { signal: new AbortController().signal, holds: () => holds },
      marker: { namespace: 'mic', name: 'config', key: 'type-upgrade-status', version: '2.0' },
    });
  return {
    ...{ run, sent },
    lapse: () => (holds = false),
    lines: () => sent.map(({ method, path }) => `${method} ${path.replace(base, '')}`),
  };
}
const list = (...items: object[]) => ({
  [`GET ${base}/azureidentitybindings`]: () => ({ items, metadata: { resourceVersion: '9' } }),
});
const markerPath = '/api/v1/namespaces/mic/configmaps';

test('only objects in an old spelling are rewritten, then the marker is set', async () => {
  const { run, lines, sent } = setUp(list(old('old'), fresh('new')));
  expect(await run()).toBe(1);
  expect(lines()).toEqual(['PUT /namespaces/ns/azureidentitybindings/old', `POST ${markerPath}`]);
  expect(sent[0]?.body).toMatchObject({
    metadata: { resourceVersion: '1' },
    spec: { azureIdentity: 'a', selector: 's' },
  });
  expect(sent[1]?.body).toMatchObject({ data: { 'type-upgrade-status': '2.0' } });
});

test("with the marker, the original's or ours, nothing is looked at", async () => {
  const { run, sent } = setUp({
    ...list(old('old')),
    [`GET ${markerPath}/config`]: () => ({
      metadata: { name: 'config' },
      data: { 'type-upgrade-status': 'v1.8.17' },
    }),
  });
  expect(await run()).toBe(0);
  expect(sent).toEqual([]);
});

test('an empty ConfigMap of that name gets the marker and keeps what else is in it', async () => {
  const { run, lines } = setUp({ [`GET ${markerPath}/config`]: () => ({ metadata: { name: 'config' } }) });
  await run();
  expect(lines()).toEqual([`PATCH ${markerPath}/config`]);
});

test('an object that somebody else is writing is read again and rewritten from what it is then', async () => {
  let puts = 0;
  const path = `${base}/namespaces/ns/azureidentitybindings/old`;
  const { run, sent } = setUp({
    ...list(old('old')),
    [`GET ${path}`]: () => old('old', '2'),
    [`PUT ${path}`]: ({ body }) => {
      puts += 1;
      if (puts === 1) throw new KubeError('conflict', 'modified', { status: 409 });
      return body;
    },
  });
  expect(await run()).toBe(1);
  expect(sent[1]?.body).toMatchObject({ metadata: { resourceVersion: '2' }, spec: { selector: 's' } });
});

test('an object that the schema refuses keeps its spelling and stops nothing', async () => {
  const { run, lines } = setUp({
    ...list(old('bad'), old('good')),
    [`PUT ${base}/namespaces/ns/azureidentitybindings/bad`]: () => {
      throw new KubeError('invalid', 'no', { status: 422 });
    },
  });
  expect(await run()).toBe(1);
  expect(lines().at(-1)).toBe(`POST ${markerPath}`);
});

test('a kind that is not installed has nothing to upgrade', async () => {
  const { run } = setUp({
    [`GET ${base}/azurepodidentityexceptions`]: () => {
      throw new KubeError('not-found', 'no such kind', { status: 404 });
    },
  });
  expect(await run()).toBe(0);
});

test('after the term nothing is written, the marker neither', async () => {
  const { run, sent, lapse } = setUp(list(old('old')));
  lapse();
  await run();
  expect(sent).toEqual([]);
});
