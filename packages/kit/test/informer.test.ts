import { describe, expect, test } from 'vitest';
import {
  coreKinds,
  createInformer,
  KubeError,
  type Change,
  type InformerOptions,
} from '@pod-identity/kit/kube';
import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { createScriptedApi } from './fixtures/scripted-api.ts';

interface View {
  readonly name: string;
  readonly ip: string;
}
interface Pod {
  readonly metadata: { name: string; namespace: string; uid: string; resourceVersion: string };
  readonly status: { podIP: string };
}
/** From `name` or `name/uid`. */
const pod = (text: string, resourceVersion: string, podIP = '1.1.1.1'): Pod => {
  const [name = '', uid = name] = text.split('/');
  return { metadata: { name, namespace: 'ns', uid, resourceVersion }, status: { podIP } };
};
const trim = (object: unknown): View | undefined => {
  const { metadata, status } = object as Pod;
  if (status.podIP === 'broken') throw new Error('cannot read');
  return status.podIP === 'none' ? undefined : { name: metadata.name, ip: status.podIP };
};
const listOf = (resourceVersion: string, ...items: unknown[]) => ({ metadata: { resourceVersion }, items });

const log = createLog({ component: 'test', destination: { write: () => undefined } });

function start(
  answer: Parameters<typeof createScriptedApi>[0],
  options: Partial<InformerOptions<View>> = {},
) {
  const api = createScriptedApi(answer);
  const clock = createFakeClock();
  const changes: string[] = [];
  const problems: unknown[] = [];
  const informer = createInformer<View>({
    transport: api.transport,
    kind: coreKinds.pods,
    trim,
    indexes: { ip: ({ ip }) => [ip] },
    clock,
    random: () => 0,
    log: { ...log, warn: ({ code }) => problems.push(code) },
    ...options,
  });
  informer.onChange(({ type, key }: Change<View>) => changes.push(`${type} ${key}`));
  const controller = new AbortController();
  const running = informer.run(controller.signal);
  const watch = () => api.watches.at(-1)!;
  return { ...api, watch, clock, changes, problems, informer, controller, running };
}

describe('informer', () => {
  test('lists page by page, then watches from the version of the list', async () => {
    const pages = [
      { metadata: { resourceVersion: '10', continue: 'next' }, items: [pod('a', '1')] },
      listOf('10', pod('b', '2')),
    ];
    const { informer, clock, lists, watch, changes } = start(() => pages.shift());
    expect(informer.hasSynced()).toBe(false);
    expect(informer.lastHeardMs()).toBe(Infinity);
    await informer.synced;
    await clock.advance(0);
    expect(informer.hasSynced()).toBe(true);
    expect(lists.map(({ query }) => [query?.['limit'], query?.['continue']])).toEqual([
      ['500', undefined],
      ['500', 'next'],
    ]);
    expect(changes).toEqual(['added ns/a', 'added ns/b']);
    expect(informer.store.by('ip', '1.1.1.1')).toHaveLength(2);
    expect(watch().request).toMatchObject({
      path: '/api/v1/pods',
      timeoutMs: 88_000,
      query: { watch: 'true', allowWatchBookmarks: 'true', resourceVersion: '10', timeoutSeconds: '60' },
    });
  });

  test('follows events, and resumes from the last of them, bookmarks included, when the server ends the watch', async () => {
    const { informer, clock, lists, watch, watches, changes } = start(() =>
      listOf('10', pod('a', '1'), pod('b', '2')),
    );
    await informer.synced;
    watch().send('ADDED', pod('c', '11'));
    watch().send('MODIFIED', pod('a', '12', '2.2.2.2'));
    watch().send('DELETED', pod('b', '13'));
    await clock.advance(5000);
    expect(changes.slice(2)).toEqual(['added ns/c', 'updated ns/a', 'deleted ns/b']);
    expect(informer.store.by('ip', '2.2.2.2')).toEqual([{ name: 'a', ip: '2.2.2.2' }]);
    watch().send('BOOKMARK', { metadata: { resourceVersion: '50' } });
    watch().end();
    await clock.advance(0);
    expect(watches).toHaveLength(2);
    expect(watch().request.query?.['resourceVersion']).toBe('50');
    expect(lists).toHaveLength(1);
  });

  test.each([
    ['as an answer', true],
    ['in the stream', false],
  ])('gone %s: lists again and tells only what is different', async (_, atOnce) => {
    const answers = [
      listOf('10', pod('a', '1'), pod('b', '2'), pod('c', '3')),
      listOf('90', pod('a', '1'), pod('b', '60'), pod('c/other', '61'), pod('d', '62')),
    ];
    const { informer, clock, watch, changes, problems } = start(() => answers.shift());
    await informer.synced;
    if (!atOnce) watch().send('MODIFIED', pod('a', '1'));
    changes.length = 0;
    watch().end(new KubeError('gone', 'too old', { status: 410 }));
    await clock.advance(0);
    expect(changes).toEqual(['updated ns/b', 'deleted ns/c', 'added ns/c', 'added ns/d']);
    expect(watch().request.query?.['resourceVersion']).toBe('90');
    expect(problems).toEqual(['gone']);
  });

  test('an object that was deleted between watches is removed by the next list', async () => {
    const answers = [listOf('10', pod('a', '1')), listOf('20')];
    const { informer, clock, watch, changes } = start(() => answers.shift());
    await informer.synced;
    watch().end(new KubeError('gone', 'too old', { status: 410 }));
    await clock.advance(0);
    expect(changes).toEqual(['added ns/a', 'deleted ns/a']);
  });

  describe('of a namespace with more than its sum', () => {
    /** By the second of its creation. The three oldest fill the sum of these tests. */
    const aged = (second: number, { namespace = 'ns', version = second, length = 100 } = {}) => {
      const creationTimestamp = new Date(second * 1000).toISOString();
      const metadata = { name: `${second}`, namespace, uid: `uid-${second}`, resourceVersion: `${version}` };
      const spec = { text: 'x'.repeat(length) };
      return { metadata: { ...metadata, creationTimestamp }, spec, status: { podIP: '1.1.1.1' } };
    };
    const namespaceBytes = 3 * 400;
    const setUp = async (listed: unknown[], more: Partial<InformerOptions<View>> = {}) => {
      const world = start(() => listOf('10', ...listed), { namespaceBytes, ...more });
      await world.informer.synced;
      const names = () => [...world.informer.store.values()].map(({ name }) => name).toSorted();
      const send = async (type: string, object: unknown) => {
        world.watch().send(type, object);
        await world.clock.advance(0);
      };
      const endWatchAfter = async (ms: number) => {
        await world.clock.advance(ms);
        world.watch().end();
        await world.clock.advance(1000);
      };
      return { ...world, names, send, endWatchAfter };
    };

    test('the oldest are kept, whatever their order in a list, and all of others', async () => {
      const { names, send, informer } = await setUp([5, 3, 1, 4, 2, 6].map((second) => aged(second)));
      expect([names(), informer.fullNamespaces()]).toEqual([['1', '2', '3'], 1]);
      await send('ADDED', aged(7));
      await send('ADDED', aged(8, { namespace: 'other' }));
      expect([names(), informer.fullNamespaces()]).toEqual([['1', '2', '3', '8'], 1]);
    });

    test('attack: no younger object counts that would fit beside one that does not', async () => {
      const listed = [aged(1), aged(2), aged(3, { length: 1000 }), aged(4)];
      const { names, send } = await setUp(listed);
      expect(names()).toEqual(['1', '2']);
      await send('ADDED', aged(5));
      expect(names()).toEqual(['1', '2']);
    });

    test('attack: one that grows by an update counts with its new length, and others are kept', async () => {
      const { names, send } = await setUp([aged(1), aged(2), aged(3), aged(4, { namespace: 'other' })]);
      await send('MODIFIED', aged(3, { version: 20, length: 2000 }));
      expect(names()).toEqual(['1', '2', '4']);
    });

    test('a write of its status removes none', async () => {
      const { names, send } = await setUp([aged(1), aged(2), aged(3), aged(4)]);
      const status = { podIP: '1.1.1.1', conditions: [{ message: 'x'.repeat(10_000) }] };
      await send('MODIFIED', { ...aged(1, { version: 20 }), status });
      expect(names()).toEqual(['1', '2', '3']);
    });

    test('keys that are numbers count as the arrays that V8 makes of them', async () => {
      const labels = { '3300': 'v' };
      const object = { ...aged(1), spec: { podSelector: { matchLabels: labels } } };
      expect((await setUp([object], { namespaceBytes: 40_000 })).names()).toEqual([]);
    });

    test('after a delete the list is read again, once, a minute after the last one at the earliest', async () => {
      const listed = [1, 2, 3, 4, 5].map((second) => aged(second));
      const { lists, send, endWatchAfter, names } = await setUp(listed);
      await send('DELETED', aged(1));
      listed.shift();
      await endWatchAfter(50_000);
      expect([lists.length, names()]).toEqual([1, ['2', '3']]);
      await endWatchAfter(10_000);
      expect([lists.length, names()]).toEqual([2, ['2', '3', '4']]);
      await endWatchAfter(1_000_000);
      expect(lists).toHaveLength(2);
    });

    test('the list is read again also when the clock of the machine was set back', async () => {
      const clock = createFakeClock();
      let setBackMs = 0;
      const { lists, watch, send } = await setUp(
        [1, 2, 3, 4].map((second) => aged(second)),
        {
          clock: { ...clock, now: () => clock.now() - setBackMs },
        },
      );
      setBackMs = 3_600_000;
      watch().send('DELETED', aged(1));
      await send('DELETED', aged(2));
      await clock.advance(61_000);
      watch().end();
      await clock.advance(1000);
      expect(lists).toHaveLength(2);
    });

    test('one line for each list says so', async () => {
      const lines: unknown[] = [];
      const { send } = await setUp(
        [1, 2, 3, 4, 5].map((second) => aged(second)),
        {
          log: { ...log, warn: (fields) => lines.push(fields) },
        },
      );
      await send('ADDED', aged(6));
      expect(lines).toEqual([{ kind: 'Pod', namespace: 'ns', namespaceBytes, object: 'ns/4' }]);
    });
  });

  test('pages that expire before the last one are read again as one list', async () => {
    const { informer, lists } = start(({ query }) => {
      if (query?.['continue']) throw new KubeError('gone', 'expired', { status: 410 });
      return query?.['limit']
        ? { metadata: { continue: 'c' }, items: [pod('x', '1')] }
        : listOf('30', pod('a', '1'));
    });
    await informer.synced;
    expect(lists.at(-1)?.query).toMatchObject({ limit: undefined, continue: undefined });
    expect([...informer.store.values()].map(({ name }) => name)).toEqual(['a']);
  });

  test('a broken connection is retried with growing delays, and resumes without a list', async () => {
    const { informer, clock, lists, watch, watches } = start(() => listOf('10'));
    await informer.synced;
    const pauses: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const before = watches.length;
      const brokenAt = clock.now();
      watch().end(new KubeError('transport', 'reset'));
      while (watches.length === before) await clock.advance(100);
      pauses.push(clock.now() - brokenAt);
    }
    expect(pauses).toEqual([800, 1600, 3200, 4000, 4000]);
    expect(watch().request.query?.['resourceVersion']).toBe('10');
    expect(lists).toHaveLength(1);
  });

  test('after two refusals in a row to resume everything is listed again', async () => {
    const { informer, clock, lists, watch } = start(() => listOf('10'));
    await informer.synced;
    for (let round = 0; round < 2; round += 1) {
      expect(lists).toHaveLength(1);
      watch().end(new KubeError('unavailable', 'too large resource version', { status: 504 }));
      await clock.advance(4000);
    }
    expect(lists).toHaveLength(2);
  });

  test('Retry-After of the server is respected', async () => {
    const { informer, clock, watches, watch } = start(() => listOf('10'));
    await informer.synced;
    watch().end(new KubeError('throttled', 'slow down', { status: 429, retryAfterMs: 9000 }));
    await clock.advance(8999);
    expect(watches).toHaveLength(1);
    await clock.advance(1);
    expect(watches).toHaveLength(2);
  });

  test('a server that ends each watch at once causes no busy loop', async () => {
    const { informer, clock, watches, watch } = start(() => listOf('10'));
    await informer.synced;
    for (let ms = 0; ms < 10_000; ms += 100) {
      watch().end();
      await clock.advance(100);
    }
    expect(watches.length).toBeLessThan(6);
  });

  test('a failed list is retried, and the store keeps its content', async () => {
    let fail = true;
    const { informer, clock, lists, problems } = start(() => {
      if (fail) throw new KubeError('denied', 'no', { status: 403 });
      return listOf('10', pod('a', '1'));
    });
    await clock.advance(2000);
    expect(informer.hasSynced()).toBe(false);
    expect(lists.length).toBeGreaterThan(1);
    // A line in 30 s about the same problem.
    expect(problems).toHaveLength(1);
    fail = false;
    await clock.advance(10_000);
    expect(informer.hasSynced()).toBe(true);
  });

  test('a page that the API server cannot return in time is reduced, to no less than 50 objects', async () => {
    const silence = new KubeError('transport', 'nothing heard for 30000 ms', { reason: 'Silence' });
    const { informer, clock, lists } = start(({ query }) => {
      if (Number(query?.['limit']) > 50) throw silence;
      return lists.length < 6 ? Promise.reject(silence) : listOf('10', pod('a', '1'));
    });
    await clock.advance(60_000);
    expect(informer.hasSynced()).toBe(true);
    expect(lists.map(({ query }) => query?.['limit'])).toEqual(['500', '125', '50', '50', '50', '50']);
  });

  test('an agent that gets no whole list from the cache in time lists pages of the database', async () => {
    const answers = [
      () => listOf('10', pod('a', '1')),
      () => {
        throw new KubeError('transport', 'nothing heard for 30000 ms', { reason: 'Silence' });
      },
      () => listOf('90', pod('a', '1')),
    ];
    const { informer, clock, lists, watch } = start(() => answers.shift()?.(), { isPerNode: true });
    await informer.synced;
    watch().end(new KubeError('gone', 'too old', { status: 410 }));
    await clock.advance(30_000);
    expect(lists.map(({ query }) => [query?.['resourceVersion'], query?.['limit']])).toEqual([
      [undefined, '500'],
      ['10', undefined],
      [undefined, '125'],
    ]);
  });

  test('a refusal does not change the size of pages', async () => {
    const { clock, lists } = start(() => {
      throw new KubeError('denied', 'no', { status: 403 });
    });
    await clock.advance(5_000);
    expect(new Set(lists.map(({ query }) => query?.['limit']))).toEqual(new Set(['500']));
  });

  test('objects that are left out or cannot be read are missing; the others are there', async () => {
    const { informer, clock, watch, changes } = start(() =>
      listOf('10', pod('a', '1'), pod('b', '2', 'none'), pod('c', '3', 'broken'), {}),
    );
    await informer.synced;
    watch().send('MODIFIED', pod('b', '11'));
    watch().send('MODIFIED', pod('a', '12', 'none'));
    watch().send('MODIFIED', pod('c', '13', 'broken'));
    await clock.advance(0);
    expect(changes).toEqual(['added ns/a', 'added ns/b', 'deleted ns/a']);
    expect(informer.store.size).toBe(1);
  });

  test('an event with another uid deletes and adds', async () => {
    const { informer, clock, watch, changes } = start(() => listOf('10', pod('a', '1')));
    await informer.synced;
    watch().send('MODIFIED', pod('a/other', '20'));
    await clock.advance(0);
    expect(changes).toEqual(['added ns/a', 'deleted ns/a', 'added ns/a']);
  });

  test('a listener that throws affects neither the informer nor others; one that unsubscribed is not called', async () => {
    const { informer, clock, watch, changes } = start(() => listOf('10'));
    informer.onChange(() => {
      throw new Error('listener');
    });
    const heard: string[] = [];
    const leave = informer.onChange(({ key }) => heard.push(key));
    await informer.synced;
    watch().send('ADDED', pod('a', '11'));
    await clock.advance(0);
    leave();
    watch().send('ADDED', pod('b', '12'));
    await clock.advance(0);
    expect(changes).toEqual(['added ns/a', 'added ns/b']);
    expect(heard).toEqual(['ns/a']);
  });

  test('the time since the last response grows in silence and restarts with any', async () => {
    const { informer, clock, watch } = start(() => listOf('10'));
    await informer.synced;
    await clock.advance(30_000);
    expect(informer.lastHeardMs()).toBe(30_000);
    watch().send('BOOKMARK', { metadata: { resourceVersion: '11' } });
    await clock.advance(10);
    expect(informer.lastHeardMs()).toBe(10);
    await clock.advance(20_000);
    watch().end();
    await clock.advance(0);
    expect(informer.lastHeardMs()).toBe(0);
  });

  test("one node's objects come from the API server's cache, later never older than the store", async () => {
    const { informer, clock, lists, watch } = start(() => listOf('10'), {
      fieldSelector: 'spec.nodeName=n1',
      isPerNode: true,
    });
    await informer.synced;
    watch().send('MODIFIED', pod('a', '12'));
    watch().end(new KubeError('gone', 'too old', { status: 410 }));
    await clock.advance(0);
    expect(lists.map(({ query }) => [query?.['resourceVersion'], query?.['limit']])).toEqual([
      ['0', '500'],
      ['12', undefined],
    ]);
    expect(watch().request.query).toMatchObject({ fieldSelector: 'spec.nodeName=n1', resourceVersion: '10' });
  });

  test('rights are first read from the database, and again if the server does not have the version of the store', async () => {
    const answers = [
      () => listOf('10'),
      () => {
        throw new KubeError('unavailable', 'Too large resource version', { status: 504 });
      },
      () => listOf('5'),
    ];
    const { informer, clock, lists, watch } = start(() => answers.shift()?.(), { isPerNode: true });
    await informer.synced;
    watch().end(new KubeError('gone', 'too old', { status: 410 }));
    await clock.advance(1_000);
    expect(lists.map(({ query }) => [query?.['resourceVersion'], query?.['limit']])).toEqual([
      [undefined, '500'],
      ['10', undefined],
      [undefined, '500'],
    ]);
    expect(watch().request.query?.['resourceVersion']).toBe('5');
  });

  test('aborting ends the run, also during a delay or before the first sync', async () => {
    const first = start(() => listOf('10'));
    await first.informer.synced;
    first.controller.abort();
    await first.running;
    const second = start(() => {
      throw new KubeError('transport', 'down');
    });
    await second.clock.advance(10);
    second.controller.abort();
    await second.running;
    await second.informer.synced;
    expect(second.informer.hasSynced()).toBe(false);
    expect([first.clock.pending, second.clock.pending]).toEqual([0, 0]);
  });

  test('items of a list have their kind, like those of a watch', async () => {
    const seen: unknown[] = [];
    const { informer } = start(() => listOf('10', pod('a', '1')), {
      trim: (object) => void seen.push(object),
    });
    await informer.synced;
    expect(seen[0]).toMatchObject({ apiVersion: 'v1', kind: 'Pod' });
  });
});
