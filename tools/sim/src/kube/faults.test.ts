import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDoor, type Door, type WatchEvent } from '../../test/conformance/door.ts';
import { configMap, pod } from '../../test/conformance/row.ts';
import { startKube, type KubeSim } from './index.ts';

// Faults that the simulator plays on demand.
const maps = '/api/v1/namespaces/default/configmaps';
const isNamed = (name: string) => (event: WatchEvent) => event.object.metadata.name === name;

describe('faults of the simulated API server', () => {
  let kube: KubeSim;
  let door: Door;
  /** Timers that the test fires. */
  let timers: { ms: number; run: () => void }[];

  beforeEach(async () => {
    timers = [];
    const after = (ms: number, run: () => void) => {
      const timer = { ms, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    };
    kube = await startKube({ after, bookmarkMs: 60_000 });
    door = openDoor(kube.url);
  });
  afterEach(() => kube.stop());

  const make = (name: string) => door.ask('POST', maps, { body: configMap(name) });

  test('after compaction, watches from earlier versions get 410; an open one that missed nothing goes on', async () => {
    await make('a');
    const before = kube.storage.version;
    await make('b');
    const open = await door.openWatch(`${maps}?watch=true&resourceVersion=${kube.storage.version}`);
    kube.compact();
    const late = await door.watch(`${maps}?watch=true&resourceVersion=${before}`);
    expect(late).toMatchObject([{ type: 'ERROR', object: { code: 410, reason: 'Expired' } }]);
    await make('c');
    expect(await open.until(isNamed('c'))).toMatchObject([{ type: 'ADDED' }]);
  });

  test('a list with unread pages expires with compaction', async () => {
    await make('a');
    await make('b');
    const first = await door.ask('GET', `${maps}?limit=1`);
    kube.compact();
    const second = await door.ask('GET', `${maps}?limit=1&continue=${first.body.metadata.continue}`);
    expect(second).toMatchObject({ status: 410, body: { reason: 'Expired' } });
  });

  test('dropped watches are closed without a last event', async () => {
    const open = await door.openWatch(`${maps}?watch=true&resourceVersion=${kube.storage.version}`);
    expect(kube.openWatches).toBe(1);
    const broken = expect(open.until()).rejects.toThrow('aborted');
    kube.dropWatches();
    await broken;
    expect(kube.openWatches).toBe(0);
  });

  test('stalled watches send nothing and do not end, and catch up later', async () => {
    const open = await door.openWatch(
      `${maps}?watch=true&timeoutSeconds=9&resourceVersion=${kube.storage.version}`,
    );
    kube.stallWatches(true);
    await make('a');
    timers.find(({ ms }) => ms === 9000)?.run();
    // Without the stall the watch would have ended before this response.
    await make('b');
    expect(kube.openWatches).toBe(1);
    kube.stallWatches(false);
    const events = await open.until();
    expect(events.map(({ object }) => object.metadata.name)).toEqual(['a', 'b']);
  });

  test('stranded watches never send anything again; later ones work', async () => {
    const from = `${maps}?watch=true&timeoutSeconds=9&resourceVersion=${kube.storage.version}`;
    await door.openWatch(from);
    kube.strandWatches();
    const later = await door.openWatch(from);
    await make('a');
    timers.find(({ ms }) => ms === 9000)?.run();
    timers.findLast(({ ms }) => ms === 9000)?.run();
    const events = await later.until();
    expect(events.map(({ object }) => object.metadata.name)).toEqual(['a']);
    expect(kube.openWatches).toBe(1);
  });

  test('bookmarks are sent periodically and on demand', async () => {
    const since = kube.storage.version;
    const open = await door.openWatch(
      `/api/v1/pods?watch=true&allowWatchBookmarks=true&resourceVersion=${since}`,
    );
    await make('elsewhere');
    timers.find(({ ms }) => ms === 60_000)?.run();
    const isBookmark = ({ type }: WatchEvent) => type === 'BOOKMARK';
    expect(await open.until(isBookmark)).toMatchObject([
      { object: { metadata: { resourceVersion: String(since + 1) } } },
    ]);
    const again = await door.openWatch(
      `/api/v1/pods?watch=true&allowWatchBookmarks=true&resourceVersion=${since}`,
    );
    kube.sendBookmarks();
    expect(await again.until(isBookmark)).toHaveLength(1);
  });

  test('the server hangs, refuses connections, and listens on the same port again', async () => {
    kube.pause();
    const waiting = make('a');
    expect(kube.get('configmaps', 'a', 'default')).toBeUndefined();
    kube.resume();
    expect(await waiting).toMatchObject({ status: 201 });
    await kube.stopListening();
    await expect(make('b')).rejects.toThrow();
    await kube.startListening();
    expect(await make('b')).toMatchObject({ status: 201 });
  });

  test('scripted faults apply to single requests', async () => {
    const rule = kube.faults.add({
      match: { method: 'POST', path: /configmaps$/ },
      times: 1,
      then: { status: 503, body: {} },
    });
    expect(await make('a')).toMatchObject({ status: 503 });
    expect(await make('a')).toMatchObject({ status: 201 });
    expect(rule.fired).toBe(1);
  });

  test('reviews fail, hang and are noted as other calls are', async () => {
    const reviews = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
    const resourceAttributes = { verb: 'use', resource: 'identities' };
    const ask = () => door.ask('POST', reviews, { body: { spec: { user: 'x', resourceAttributes } } });
    kube.faults.add({ match: { path: /subjectaccessreviews$/ }, times: 1, then: { status: 429 } });
    expect([(await ask()).status, (await ask()).status]).toEqual([429, 201]);
    const [, entry] = kube.journal.entries({ method: 'POST', path: /subjectaccessreviews$/ });
    expect(JSON.parse(entry?.body ?? '')).toMatchObject({ spec: { user: 'x', resourceAttributes } });
  });

  test('the journal has no bodies of secrets', async () => {
    await door.ask('POST', '/api/v1/namespaces/default/secrets', {
      body: { metadata: { name: 's' }, stringData: { a: 'hush' } },
    });
    await make('a');
    const [secret, map] = kube.journal.entries({ method: 'POST' });
    expect([secret?.status, secret?.body]).toEqual([201, undefined]);
    expect(map?.body).toContain('ConfigMap');
  });

  test('a simulated kubelet ends deleted pods at once, after it has shown them terminating', async () => {
    await door.ask('POST', '/api/v1/namespaces/default/pods', { body: pod('a', { nodeName: 'n1' }) });
    const open = await door.openWatch(`/api/v1/pods?watch=true&resourceVersion=${kube.storage.version}`);
    await door.ask('DELETE', '/api/v1/namespaces/default/pods/a');
    const events = await open.until(({ type }) => type === 'DELETED');
    expect(events.map(({ type }) => type)).toEqual(['MODIFIED', 'DELETED']);
    expect(events[0]?.object.metadata).toHaveProperty('deletionTimestamp');
    expect(kube.list('pods')).toEqual([]);
  });

  test('objects can be stored unchanged, and waited for', async () => {
    const seen = kube.until((now) => now.list('pods').length === 2);
    const seeded = (name: string) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default', uid: `uid-${name}` },
      status: { phase: 'Running', podIP: '10.0.0.1' },
    });
    kube.seed([seeded('a'), seeded('b')]);
    await seen;
    expect(kube.get('pods', 'a', 'default')).toMatchObject({
      metadata: { uid: 'uid-a' },
      status: { phase: 'Running' },
    });
    expect(() => kube.list('nothings')).toThrow('no resource nothings');
    expect(() => kube.seed([{ apiVersion: 'x/v1', kind: 'Y', metadata: {} }])).toThrow('knows no x/v1 Y');
  });
});
