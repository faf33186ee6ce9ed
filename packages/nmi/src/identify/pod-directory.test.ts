import { KubeError, noteResponses, type KubeRequest, type KubeTransport } from '@pod-identity/kit/kube';
import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, expect, it, vi } from 'vitest';
import { pod as podView } from '../../test/builders.ts';
import { createTransport, list } from '../../test/transport.ts';
import { isNoResponse, type PodsResult } from './results.ts';
import { createPodInformer } from './pod-directory.ts';

const object = (name: string, over: { ip?: string; nodeName?: string; uid?: string } = {}) => {
  const { ip = '10.0.0.1', nodeName = 'node-1', uid = name } = over;
  return {
    metadata: { uid, namespace: 'default', name, resourceVersion: '1' },
    spec: { nodeName },
    status: { phase: 'Running', podIP: ip },
  };
};

const stops: AbortController[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop.abort()));

interface Given {
  readonly bootedAt?: number;
  /** Silence unless told. */
  readonly watch?: KubeTransport['watch'];
}

const start = async (result: (request: KubeRequest) => unknown, { bootedAt, watch }: Given = {}) => {
  const clock = createFakeClock();
  const scripted = createTransport(result);
  const noted = noteResponses({ ...scripted, ...(watch && { watch }) }, clock);
  const transport = { ...noted, requests: scripted.requests };
  const onFailed = vi.fn();
  const lines: string[] = [];
  const log = createLog({ component: 'nmi', destination: { write: (line) => lines.push(line) } });
  const pods = createPodInformer({
    transport,
    node: 'node-1',
    clock,
    random: () => 0,
    log,
    onFailed,
    bootedAt,
    lastResponseMs: () => transport.lastResponseMs(),
  });
  const stop = new AbortController();
  stops.push(stop);
  void pods.informer.run(stop.signal);
  await clock.advance(1);
  return { pods, transport, clock, onFailed, lines };
};

const namesOf = (said: PodsResult) => (isNoResponse(said) ? [said.why] : said.map(({ name }) => name));
const isLookUp = ({ query }: KubeRequest) => query?.['fieldSelector'] !== undefined && !query['limit'];

it('watches the unfinished pods of its node only, and finds them by address and by name', async () => {
  const { pods, transport } = await start(() => list(object('web')));
  // Of any version: each node lists at its start, and the API server's memory answers that without its database.
  expect(transport.requests[0]?.query).toMatchObject({
    fieldSelector: 'spec.nodeName=node-1,status.phase!=Succeeded,status.phase!=Failed',
    resourceVersion: '0',
  });
  expect(pods.filedUnder('10.0.0.1').map(({ name }) => name)).toEqual(['web']);
  expect(pods.named('default', 'web')?.uid).toBe('web');
  expect(pods.isCurrent()).toBe(true);
});

it('believes the API server only about pods of this node', async () => {
  const answers = [object('web'), object('other', { ip: '10.0.0.2' }), object('far', { nodeName: 'node-2' })];
  const { pods, transport } = await start((request) => (isLookUp(request) ? list(...answers) : list()));
  expect(namesOf(await pods.readAll())).toEqual(['web', 'other']);
  expect(transport.requests.at(-1)?.query).toEqual({
    fieldSelector: 'spec.nodeName=node-1,status.phase!=Succeeded,status.phase!=Failed',
  });
});

it('a question without answer says nothing of the next one, and of all together the log says it once', async () => {
  let isAway = true;
  const { pods, transport, onFailed, lines } = await start((request) => {
    if (isLookUp(request) && isAway) throw new KubeError('transport', 'away');
    if (request.path.endsWith('/pods/web')) return object('web');
    return list();
  });
  const asked = () => transport.requests.filter(isLookUp).length;
  const lastSaid = (text: string) => lines.filter((line) => line.includes(text)).length;
  const away = { why: 'away', pauseMs: 1_000 };
  expect(await pods.readAll()).toEqual(away);
  expect(lines.filter((line) => line.includes('get_pod_list') && line.includes('transport'))).toHaveLength(1);
  expect(await pods.readAll()).toEqual(away);
  expect([asked(), onFailed.mock.calls]).toEqual([2, [['get_pod_list'], ['get_pod_list']]]);
  expect(lastSaid('does not say which pod')).toBe(1);
  expect(namesOf(await pods.read(podView()))).toEqual(['web']);
  isAway = false;
  expect([await pods.readAll(), lastSaid('answers questions')]).toEqual([[], 1]);
});

it.each([
  ['throttled', 429, undefined, 1_000],
  ['throttled', 429, 3_000, 3_000],
  ['throttled', 429, 3_600_000, 5_000],
  ['unavailable', 503, undefined, 1_000],
  ['denied', 403, undefined, 1_000],
] as const)('%s with %i is an answer: the API server is not away', async (...refusal) => {
  const [code, status, retryAfterMs, pauseMs] = refusal;
  const { pods } = await start((request) => {
    if (isLookUp(request))
      throw new KubeError(code, 'no', { status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
    return list();
  });
  await expect(pods.readAll()).resolves.toEqual({ why: 'refused', pauseMs });
});

it('(d) an address that was reported before this machine was started is nobody’s', async () => {
  const running = (startedAt: string) => ({ containerStatuses: [{ state: { running: { startedAt } } }] });
  const [before, after] = ['2026-03-01T00:00:00Z', '2026-03-01T00:02:00Z'];
  const said = (name: string, ip: string, startedAt: string) => {
    const { status, ...rest } = object(name, { ip });
    return { ...rest, status: { ...status, ...running(startedAt) } };
  };
  const all = [said('old', '10.0.0.1', before), said('new', '10.0.0.2', after)];
  const { pods } = await start(() => list(...all), { bootedAt: Date.parse('2026-03-01T00:01:00Z') });
  expect(pods.filedUnder('10.0.0.1')).toEqual([]);
  expect(pods.filedUnder('10.0.0.2')).toHaveLength(1);
  const result = await pods.readAll();
  expect(isNoResponse(result) ? [] : result.map(({ addresses }) => addresses)).toEqual([[], ['10.0.0.2']]);
});

it('tells of every change, and counts them', async () => {
  const next = Promise.withResolvers<object>();
  async function* watch() {
    yield await next.promise;
    await new Promise(() => undefined);
  }
  const { pods, clock } = await start(() => list(object('web')), { watch });
  const before = pods.revision;
  let told = 0;
  pods.changes.subscribe(() => (told += 1));
  next.resolve({ type: 'ADDED', object: object('next', { ip: '10.0.0.2' }) });
  await clock.advance(1);
  expect(pods.filedUnder('10.0.0.2')).toHaveLength(1);
  expect(told).toBe(1);
  expect(pods.revision).toBeGreaterThan(before);
});

it('is not current when nothing was heard for more than 100 seconds', async () => {
  let isAway = false;
  const { pods, clock } = await start(() => {
    if (isAway) throw new KubeError('transport', 'away');
    return list();
  });
  isAway = true;
  await clock.advance(100_000 - pods.lastHeardMs());
  expect([pods.lastHeardMs(), pods.isCurrent()]).toEqual([100_000, true]);
  await clock.advance(1);
  expect(pods.isCurrent()).toBe(false);
});

it('has missed what happened while the API server answered others after the watch had ended, until there is a new watch', async () => {
  const watches = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  let begun = 0;
  async function* watch({ onOpen }: KubeRequest): AsyncGenerator {
    const own = watches[begun++];
    if (begun === 2) throw new KubeError('unavailable', 'no', { status: 503 });
    onOpen?.();
    yield { type: 'BOOKMARK', object: { metadata: { resourceVersion: '1' } } };
    await own?.promise;
    if (begun === 1) throw new KubeError('transport', 'aborted');
    await new Promise(() => undefined);
  }
  const { pods, clock } = await start(() => list(object('web')), { watch });
  await clock.advance(5_000);
  await pods.readAll();
  expect(pods.missedMs()).toBe(0);
  watches[0]?.resolve(undefined);
  await clock.advance(700);
  expect(pods.missedMs()).toBe(0);
  await pods.readAll();
  expect(pods.missedMs()).toBeGreaterThan(600);
  await clock.advance(20_000);
  expect([begun, pods.missedMs()]).toEqual([3, 0]);
});

it('of a pod that runs its labels are kept', async () => {
  const { metadata, ...rest } = object('web');
  const { pods } = await start(() => list({ ...rest, metadata: { ...metadata, labels: { app: 'x' } } }));
  expect(pods.named('default', 'web')?.labels).toEqual({ app: 'x' });
});

it('passes over what is no pod', async () => {
  const { pods } = await start(({ path }) => (path.endsWith('/pods/web') ? {} : list({}, object('web'))));
  expect(pods.filedUnder('10.0.0.1')).toHaveLength(1);
  await expect(pods.read(podView())).resolves.toEqual([]);
});

it('that the question after a pod is refused does not say that there is none', async () => {
  const { pods, onFailed } = await start(({ path }) => {
    if (path.endsWith('/pods/web')) throw new KubeError('denied', 'no', { status: 403 });
    return list();
  });
  await expect(pods.read(podView())).resolves.toEqual({ why: 'refused', pauseMs: 1_000 });
  expect(onFailed.mock.calls).toEqual([['get_pod']]);
});

it('a fault of our own is no answer of the API server', async () => {
  const { pods, onFailed } = await start((request) => {
    if (request.path.endsWith('/pods/web') || isLookUp(request)) throw new TypeError('a bug');
    return list();
  });
  await expect(pods.read(podView())).rejects.toThrow('a bug');
  await expect(pods.readAll()).rejects.toThrow('a bug');
  expect(onFailed).not.toHaveBeenCalled();
});

it('asks after a pod by its name, and knows that there is none', async () => {
  const { pods, transport, onFailed } = await start(({ path }) => {
    if (path.endsWith('/pods/gone')) throw new KubeError('not-found', 'no such pod');
    return path.endsWith('/pods/web') ? object('web') : list();
  });
  const named = (name: string) => podView({ name, key: `default/${name}` });
  expect(namesOf(await pods.read(named('web')))).toEqual(['web']);
  expect(transport.requests.at(-1)?.path).toBe('/api/v1/namespaces/default/pods/web');
  await expect(pods.read(named('gone'))).resolves.toEqual([]);
  expect(onFailed).not.toHaveBeenCalled();
});

it('the limits of a namespace are not shared by a pod that has the address of a stopped one of that namespace', async () => {
  const hostile = {
    ...object('stopped'),
    metadata: {
      ...object('stopped').metadata,
      namespace: 'hostile',
      deletionTimestamp: '1970-01-01T00:00:00Z',
    },
    status: {
      ...object('stopped').status,
      conditions: [{ type: 'PodReadyToStartContainers', status: 'True' }],
      containerStatuses: [{ state: { terminated: { startedAt: '1970-01-01T00:00:00Z' } } }],
    },
  };
  const { pods } = await start(() => list(hostile, object('web')));
  expect(pods.filedUnder('10.0.0.1')).toHaveLength(2);
  expect(pods.podAt('10.0.0.1')).toMatchObject({ namespace: 'default', uid: 'web' });
  expect(pods.podAt('10.0.0.9')).toBeUndefined();
});
