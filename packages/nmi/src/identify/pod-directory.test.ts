import { KubeError, type KubeRequest } from '@pod-identity/kit/kube';
import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, expect, it, vi } from 'vitest';
import { pod as podView } from '../../test/builders.ts';
import { createTransport, list } from '../../test/transport.ts';
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

const start = async (answer: (request: KubeRequest) => unknown) => {
  const clock = createFakeClock();
  const transport = createTransport(answer);
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
  });
  const stop = new AbortController();
  stops.push(stop);
  void pods.informer.run(stop.signal);
  await clock.advance(1);
  return { pods, transport, clock, onFailed, lines };
};

const isLookUp = ({ query }: KubeRequest) => query?.['fieldSelector'] !== undefined && !query['limit'];

it('watches the pods of its node only, and finds them by address and by name', async () => {
  const { pods, transport } = await start(() => list(object('web')));
  expect(transport.requests[0]?.query).toMatchObject({ fieldSelector: 'spec.nodeName=node-1' });
  expect(pods.filedUnder('10.0.0.1').map(({ name }) => name)).toEqual(['web']);
  expect(pods.named('default', 'web')?.uid).toBe('web');
  expect(pods.isCurrent()).toBe(true);
});

it('believes the API server only about pods that have the address, and have it on this node', async () => {
  const answers = [object('web'), object('other', { ip: '10.0.0.2' }), object('far', { nodeName: 'node-2' })];
  const { pods, transport } = await start((request) => (isLookUp(request) ? list(...answers) : list()));
  expect((await pods.lookUp('10.0.0.1'))?.map(({ name }) => name)).toEqual(['web']);
  expect(transport.requests.at(-1)?.query).toEqual({
    fieldSelector: 'spec.nodeName=node-1',
  });
});

it('does not let every caller wait for an API server that did not answer, and says so once', async () => {
  let isAway = true;
  const { pods, transport, clock, onFailed, lines } = await start((request) => {
    if (isLookUp(request) && isAway) throw new KubeError('transport', 'away');
    return list();
  });
  const asked = () => transport.requests.filter(isLookUp).length;
  const warnings = () => lines.filter((line) => line.includes('does not say which pod')).length;
  await expect(pods.lookUp('10.0.0.1')).resolves.toBeUndefined();
  await expect(pods.lookUp('10.0.0.2')).resolves.toBeUndefined();
  expect([asked(), onFailed.mock.calls, pods.isAway()]).toEqual([1, [['get_pod_list']], true]);
  await clock.advance(10_000);
  expect(pods.isAway()).toBe(false);
  const trying = pods.lookUp('10.0.0.1');
  await Promise.resolve();
  expect(pods.isAway()).toBe(true);
  await trying;
  expect([asked(), warnings()]).toEqual([2, 1]);
  isAway = false;
  await clock.advance(10_000);
  await expect(pods.lookUp('10.0.0.1')).resolves.toEqual([]);
  expect([pods.isAway(), lines.filter((line) => line.includes('again')).length]).toEqual([false, 1]);
});

it('asks for all unknown addresses together, and for those that come meanwhile once more', async () => {
  const { pods, transport, clock } = await start((request) =>
    isLookUp(request) ? list(object('web')) : list(),
  );
  const asked = () => transport.requests.filter(isLookUp).length;
  const first = Array.from({ length: 20 }, (_, n) => pods.lookUp(`10.0.0.${n}`));
  await Promise.resolve();
  const later = Array.from({ length: 20 }, () => pods.lookUp('10.0.0.1'));
  await clock.advance(0);
  expect((await Promise.all(first)).flatMap((found) => found?.map(({ name }) => name))).toEqual(['web']);
  expect((await Promise.all(later)).map((found) => found?.length)).toEqual(
    Array.from({ length: 20 }, () => 1),
  );
  expect(asked()).toBe(2);
});

it('asks after a pod by its name, and knows that there is none', async () => {
  const { pods, transport, onFailed } = await start(({ path }) => {
    if (path.endsWith('/pods/gone')) throw new KubeError('not-found', 'no such pod');
    return path.endsWith('/pods/web') ? object('web') : list();
  });
  const named = (name: string) => podView({ name, key: `default/${name}` });
  expect((await pods.read(named('web')))?.map(({ uid }) => uid)).toEqual(['web']);
  expect(transport.requests.at(-1)?.path).toBe('/api/v1/namespaces/default/pods/web');
  await expect(pods.read(named('gone'))).resolves.toEqual([]);
  expect([pods.isAway(), onFailed.mock.calls]).toEqual([false, []]);
});

it('a pod of the same name that was made anew is not the latest state of the old one', async () => {
  const { pods } = await start(() => list(object('web', { uid: 'new' })));
  const known = pods.named('default', 'web');
  if (!known) throw new Error('unknown');
  expect(pods.latest({ ...known, labels: { old: 'view' } })).toBe(known);
  const old = { ...known, uid: 'old' };
  expect(pods.latest(old)).toBe(old);
});
