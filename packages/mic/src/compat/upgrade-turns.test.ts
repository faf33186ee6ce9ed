// The upgrade of a cluster in which one namespace has far more old objects than the others.
import { KubeError, type KubeRequest, type KubeTransport } from '@pod-identity/kit/kube';
import { expect, test } from 'vitest';
import { createFakeLog } from '../apply/test/fake-log.ts';
import { upgradeStoredObjects } from './upgrade.ts';

const base = '/apis/aadpodidentity.k8s.io/v1';

interface Crowd {
  readonly namespace: string;
  readonly count: number;
}

/** An API server with old objects of one kind, in pages. */
function setUp(crowds: readonly Crowd[], plural = 'azureidentities') {
  const sent: string[] = [];
  const objects = new Map<string, object>();
  for (const { namespace, count } of crowds)
    for (let index = 0; index < count; index += 1) {
      const name = `a-${String(index).padStart(6, '0')}`;
      objects.set(`${namespace}/${plural}/${name}`, {
        metadata: { name, namespace, resourceVersion: '1' },
        spec: { ResourceID: 'x', ClientID: 'y' },
      });
    }
  const faults = new Map<string, KubeError>();
  let expires = false;
  let lost: string | undefined;
  const log = createFakeLog();
  const page = ({ limit = '', continue: from = '0' }: Readonly<Record<string, string | undefined>>) => {
    if (from === lost) {
      lost = undefined;
      throw new KubeError('transport', 'the connection is lost');
    }
    if (expires && from !== '0') {
      expires = false;
      throw new KubeError('gone', 'the pages have expired');
    }
    const until = limit === '' ? objects.size : Number(from) + Number(limit);
    const items = [...objects.values()].slice(Number(from), until);
    return { items, metadata: until < objects.size ? { continue: `${until}` } : {} };
  };
  const answer = ({ method, path, query = {}, body }: KubeRequest): unknown => {
    if (path.includes('/configmaps')) return method === 'GET' ? { data: {} } : body;
    if (path === `${base}/${plural}`) return page(query);
    const key = path.replace(`${base}/namespaces/`, '');
    const fault = method === 'PUT' ? faults.get(key) : undefined;
    if (fault) throw fault;
    if (method === 'PUT') objects.set(key, body as object);
    return objects.get(key) ?? { items: [], metadata: {} };
  };
  const transport: KubeTransport = {
    server: 'fake',
    close: () => Promise.resolve(),
    watch: () => {
      throw new TypeError('nothing is watched');
    },
    request: (request) => {
      const { method, path, query } = request;
      const at = query?.['limit'] === undefined ? '' : ` ${query['continue'] ?? 'first'}`;
      sent.push(`${method} ${path.replace(/.*\/(namespaces|v1)\//, '')}${at}`);
      return new Promise((resolve) => resolve(answer(request)));
    },
  };
  const run = () =>
    upgradeStoredObjects({
      transport,
      log,
      term: { signal: new AbortController().signal, holds: () => true },
      marker: { namespace: 'mic', name: 'config', key: 'type-upgrade-status', version: '2.0' },
      pause: () => Promise.resolve(),
    });
  const written = (namespace = '') =>
    sent.flatMap((line, at) => (line.startsWith(`PUT ${namespace}`) ? [at] : []));
  return {
    run,
    sent,
    objects,
    faults,
    written,
    told: log.lines,
    expire: () => (expires = true),
    /** Ends the connection at the next list that begins there. */
    lose: (from: string) => (lost = from),
    hasMarker: () => sent.some((line) => line.startsWith('PATCH')),
  };
}

const huge = { namespace: 'a-huge', count: 3_000 };
const small = { namespace: 'small', count: 5 };

test('a namespace with thousands of old objects does not delay that of others: after a hundred they have their turn', async () => {
  const { run, written, hasMarker } = setUp([huge, small]);
  expect(await run()).toBe(3_005);
  const last = written('small').at(-1)!;
  expect(written('a-huge').filter((at) => at < last)).toHaveLength(100);
  expect(hasMarker()).toBe(true);
});

test('no more than a page is read before its objects are rewritten', async () => {
  const { run, sent } = setUp([
    { namespace: 'a', count: 90 },
    ...Array.from({ length: 20 }, (_, index) => ({ namespace: `b-${index}`, count: 90 })),
  ]);
  await run();
  const pages = sent.flatMap((line, at) => (line.startsWith('GET azureidentities') ? [at] : []));
  const second = sent.indexOf('GET azureidentities 500');
  expect(pages.length).toBeGreaterThan(3);
  expect(sent.slice(0, second).filter((line) => line.startsWith('PUT'))).toHaveLength(500);
});

test('pages that expire meanwhile are read again, and nothing is written twice', async () => {
  const { run, expire, written, hasMarker } = setUp([huge, small]);
  expire();
  expect(await run()).toBe(3_005);
  expect(written()).toHaveLength(3_005);
  expect(hasMarker()).toBe(true);
});

test('pages that expire before anything of them could be written fail the upgrade', async () => {
  const { run, objects, expire, hasMarker } = setUp([huge]);
  for (const [key] of objects) objects.set(key, { metadata: { name: 'a', namespace: 'b' }, spec: {} });
  expire();
  await expect(run()).rejects.toMatchObject({ code: 'gone' });
  expect(hasMarker()).toBe(false);
});

test('objects that the schema refuses, however many, are tried once and keep no other from its turn', async () => {
  const { run, objects, faults, written, told, hasMarker } = setUp([huge, small]);
  for (const key of [...objects.keys()].slice(0, 1_000)) faults.set(key, new KubeError('invalid', 'no'));
  expect(await run()).toBe(2_005);
  expect(written()).toHaveLength(3_005);
  expect(hasMarker()).toBe(true);
  expect(told.filter(({ level }) => level === 'warn')).toHaveLength(10);
});

test.each(['denied', 'unavailable', 'throttled', 'transport', 'unauthorized'] as const)(
  'attack: an object of which a write fails (%s), such as by an admission webhook, leaves the marker unset, but no other object unwritten',
  async (code) => {
    const { run, objects, faults, written, told, hasMarker } = setUp([huge, small]);
    faults.set([...objects.keys()][0]!, new KubeError(code, 'not this one'));
    await expect(run()).rejects.toThrow('not this one');
    expect(written('small')).toHaveLength(5);
    expect(hasMarker()).toBe(false);
    expect(told).toMatchObject([{ level: 'warn', fields: { name: 'a-000000', why: 'not this one' } }]);
  },
);

test('attack: a namespace of which no write gets a response, each for 30 s, delays others by one of them', async () => {
  const { run, objects, faults, written, hasMarker } = setUp([huge, small]);
  const silent = [...objects.keys()].filter((key) => key.startsWith('a-huge/'));
  for (const key of silent) faults.set(key, new KubeError('transport', 'no response within 30 s'));
  await expect(run()).rejects.toThrow('no response within 30 s');
  const last = written('small').at(-1)!;
  expect(written('small')).toHaveLength(5);
  expect(written('a-huge').filter((at) => at < last)).toHaveLength(1);
  expect(written('a-huge')).toHaveLength(3_000);
  expect(hasMarker()).toBe(false);
});

test('an upgrade that was interrupted continues with what is left', async () => {
  const { run, lose, written, hasMarker } = setUp([huge, small]);
  lose('500');
  await expect(run()).rejects.toThrow('the connection is lost');
  expect([written().length, hasMarker()]).toEqual([100, false]);
  expect(await run()).toBe(2_905);
  expect(hasMarker()).toBe(true);
});
