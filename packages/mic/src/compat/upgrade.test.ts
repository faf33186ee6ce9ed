import { KubeError, type KubeRequest, type KubeTransport } from '@pod-identity/kit/kube';
import { expect, test } from 'vitest';
import { createFakeLog } from '../apply/test/fake-log.ts';
import { upgradeStoredObjects } from './upgrade.ts';

const base = '/apis/aadpodidentity.k8s.io/v1';
const old = (name: string, version = '1') => ({
  apiVersion: 'aadpodidentity.k8s.io/v1',
  kind: 'AzureIdentityBinding',
  metadata: { name, namespace: 'ns', resourceVersion: version },
  spec: { AzureIdentity: 'a', Selector: 's' },
});
const fresh = (name: string) => ({ ...old(name), spec: { azureIdentity: 'a', selector: 's' } });

const untilAborted = (signal: AbortSignal | undefined) =>
  new Promise<never>((_, reject) => {
    signal?.addEventListener('abort', () => reject(new KubeError('aborted', 'the caller has left')));
  });
const refuse = (code: KubeError['code']) => () => {
  throw new KubeError(code, `${code}!`);
};

function setUp(answers: Record<string, (request: KubeRequest) => unknown> = {}) {
  const sent: KubeRequest[] = [];
  const asked: KubeRequest[] = [];
  const ending = new AbortController();
  let hanging: string | undefined;
  let holds = true;
  const transport: KubeTransport = {
    server: 'fake',
    close: () => Promise.resolve(),
    watch: () => {
      throw new TypeError('nothing is watched');
    },
    async request(request) {
      await Promise.resolve();
      if (`${request.method} ${request.path}` === hanging) return untilAborted(request.signal);
      asked.push(request);
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
      transport,
      log,
      term: { signal: ending.signal, holds: () => holds },
      marker: { namespace: 'mic', name: 'config', key: 'type-upgrade-status', version: '2.0' },
      pause: () => Promise.resolve(),
    });
  return {
    run,
    sent,
    asked,
    told: log.lines,
    hang: (request: string) => (hanging = request),
    end: () => ending.abort(),
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

test('the log has the number of rewritten objects, or who did it before', async () => {
  const first = setUp(list(old('old')));
  await first.run();
  expect(first.told).toMatchObject([{ level: 'info', fields: { upgraded: 1 } }]);
  const marked = { metadata: { name: 'config' }, data: { 'type-upgrade-status': 'v1.8.17' } };
  const second = setUp({ [`GET ${markerPath}/config`]: () => marked });
  await second.run();
  expect(second.told).toMatchObject([{ level: 'debug', fields: { by: 'v1.8.17' } }]);
});

test("with the marker, the original's or MIC's, nothing is read", async () => {
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

test('a ConfigMap of that name gets the marker and keeps its other content', async () => {
  const { run, lines, sent } = setUp({
    [`GET ${markerPath}/config`]: () => ({ metadata: { name: 'config' } }),
  });
  await run();
  expect(lines()).toEqual([`PATCH ${markerPath}/config`]);
  expect(sent[0]).toMatchObject({
    body: { data: { 'type-upgrade-status': '2.0' } },
    contentType: 'application/merge-patch+json',
  });
});

test('an object that others change is read again and rewritten from its current state', async () => {
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

test('an object that the schema refuses keeps its spelling, and the upgrade continues', async () => {
  const { run, lines, told } = setUp({
    ...list(old('bad'), old('good')),
    [`PUT ${base}/namespaces/ns/azureidentitybindings/bad`]: () => {
      throw new KubeError('invalid', 'no', { status: 422 });
    },
  });
  expect(await run()).toBe(1);
  expect(lines().at(-1)).toBe(`POST ${markerPath}`);
  expect(told[0]).toMatchObject({
    level: 'warn',
    fields: { kind: 'AzureIdentityBinding', namespace: 'ns', name: 'bad' },
  });
});

const badPath = `${base}/namespaces/ns/azureidentitybindings/bad`;

test('an object that others keep changing is skipped after three tries, and logged', async () => {
  const { run, lines, told } = setUp({
    ...list(old('bad'), old('good')),
    [`PUT ${badPath}`]: refuse('conflict'),
  });
  expect(await run()).toBe(1);
  expect(lines().filter((line) => line.startsWith('PUT') && line.endsWith('/bad'))).toHaveLength(3);
  expect(told[0]).toMatchObject({ level: 'warn', fields: { name: 'bad' } });
});

test('an object that is deleted meanwhile is skipped without a log line', async () => {
  const { run, told } = setUp({ ...list(old('bad')), [`PUT ${badPath}`]: refuse('not-found') });
  await run();
  expect(told.map(({ level }) => level)).toEqual(['info']);
});

test.each([
  ['the marker', `GET ${markerPath}/config`],
  ['a list', `GET ${base}/azureidentitybindings`],
  ['an object', `GET ${badPath}`],
  ['a write', `PUT ${badPath}`],
  ['the new marker', `POST ${markerPath}`],
])('an API server that refuses %s fails the upgrade, which can begin anew', async (...[, request]) => {
  for (const problem of [refuse('unavailable'), () => Promise.reject(new TypeError('bug'))]) {
    const { run, lines } = setUp({ ...list(old('bad')), [request]: problem });
    await expect(run()).rejects.toThrow(/unavailable!|bug/);
    if (!request.startsWith('POST')) expect(lines()).not.toContain(`POST ${markerPath}`);
  }
});

test('a marker that another MIC sets at the same time counts', async () => {
  const { run } = setUp({ ...list(old('old')), [`POST ${markerPath}`]: refuse('already-exists') });
  expect(await run()).toBe(1);
});

test.each([
  [`GET ${markerPath}/config`, {}],
  [`GET ${base}/azureidentitybindings`, {}],
  [`GET ${badPath}`, {}],
  [`PUT ${badPath}`, {}],
  [`POST ${markerPath}`, {}],
  [`PATCH ${markerPath}/config`, { [`GET ${markerPath}/config`]: () => ({ metadata: { name: 'config' } }) }],
])('a request that is not answered (%s) ends with the term', async (request, more) => {
  const { run, hang, end } = setUp({ ...list(old('bad')), ...more });
  hang(request);
  const done = run();
  await new Promise(setImmediate);
  end();
  await expect(done).rejects.toMatchObject({ code: 'aborted' });
});

test.each([
  ['between two objects', `PUT ${badPath}`, 1, ['GET', 'PUT']],
  ['between the reading of an object and its writing', `GET ${badPath}`, 0, ['GET']],
])(
  'a lease that runs out %s lets nothing more be read or written',
  async (...[, moment, upgraded, methods]) => {
    const { run, asked, lapse } = setUp({
      ...list(old('bad'), old('good')),
      [moment]: () => (lapse(), old('bad')),
    });
    expect(await run()).toBe(upgraded);
    expect(asked.filter(({ path }) => path.includes('/namespaces/ns/')).map(({ method }) => method)).toEqual(
      methods,
    );
  },
);

test('a kind that is not installed has nothing to upgrade', async () => {
  const { run } = setUp({
    [`GET ${base}/azurepodidentityexceptions`]: () => {
      throw new KubeError('not-found', 'no such kind', { status: 404 });
    },
  });
  expect(await run()).toBe(0);
});

test('after the term nothing is written, not even the marker', async () => {
  const { run, sent, lapse, told } = setUp(list(old('old')));
  lapse();
  await run();
  expect(sent).toEqual([]);
  expect(told.filter(({ level }) => level === 'warn')).toEqual([]);
});
