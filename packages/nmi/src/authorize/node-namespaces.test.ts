import { acceptsLabelPrefix } from '@pod-identity/crd-types';
import { createFakeClock } from '@pod-identity/kit/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pod } from '../../test/builders.ts';
import type { PodView } from '../identify/pod-view.ts';
import { createNodeNamespaces, type NodeNamespacesOptions } from './node-namespaces.ts';

type Listener = Parameters<NodeNamespacesOptions['pods']['onChange']>[0];

/** An informer whose namespaces are read when the test says so. */
function createReader() {
  const reading = new Map<string, () => void>();
  const held = new Set<string>();
  return {
    reading,
    held,
    want: (namespace: string) =>
      new Promise<void>((resolve) => {
        reading.set(namespace, () => {
          reading.delete(namespace);
          held.add(namespace);
          resolve();
        });
      }),
    unwant: (namespace: string) => {
      reading.delete(namespace);
      held.delete(namespace);
    },
  };
}

function start(first: readonly PodView[] = [], labels: Record<string, Record<string, string>> = {}) {
  const clock = createFakeClock();
  const pods = new Map(first.map((one) => [one.key, one]));
  const listeners: Listener[] = [];
  const ofNamespaces: ((name: string) => void)[] = [];
  const [one, other] = [createReader(), createReader()];
  const namespaces = createNodeNamespaces({
    pods: {
      store: { values: () => pods.values() },
      synced: Promise.resolve(),
      onChange: (listener) => {
        listeners.push(listener);
        return () => undefined;
      },
    },
    namespaces: {
      store: { get: (name) => ({ name, labels: labels[name] ?? {} }) as never },
      onChange: (listener) => {
        ofNamespaces.push((key) => listener({ key }));
        return () => undefined;
      },
    },
    informers: [one, other],
    clock,
  });
  const put = (view: PodView) => {
    const before = pods.get(view.key);
    pods.set(view.key, view);
    for (const listener of listeners)
      listener(
        before
          ? { type: 'updated', key: view.key, before, after: view }
          : { type: 'added', key: view.key, after: view },
      );
  };
  const remove = (key: string) => {
    const before = pods.get(key);
    pods.delete(key);
    if (before) for (const listener of listeners) listener({ type: 'deleted', key, before });
  };
  const relabel = (name: string, to: Record<string, string>) => {
    labels[name] = to;
    for (const listener of ofNamespaces) listener(name);
  };
  const readAll = async () => {
    for (const reader of [one, other]) [...reader.reading.values()].forEach((read) => read());
    await clock.advance(0);
  };
  const wait = { deadline: clock.elapsed() + 25_000, caller: { gone: new AbortController().signal } };
  const wanted = () => [...new Set([...one.held, ...one.reading.keys()])].sort();
  return { clock, one, other, put, remove, relabel, readAll, wait, wanted, whenRead: namespaces.whenRead };
}

const podIn = (namespace: string, over: Partial<PodView> = {}) => pod({ namespace, uid: namespace, ...over });

test('wants the namespaces of the pods of the node, and no others', async () => {
  const { put, wanted, readAll, whenRead, wait } = start([podIn('shop')]);
  expect(wanted()).toEqual(['shop']);
  await readAll();
  expect(whenRead('shop', wait)).toBe(true);
  put(podIn('bank'));
  expect(wanted()).toEqual(['bank', 'shop']);
});

test('a pod waits until all kinds of objects of its namespace are read', async () => {
  const { one, other, clock, whenRead, wait } = start([podIn('shop')]);
  const read = whenRead('shop', wait) as Promise<boolean>;
  let isRead: boolean | undefined;
  void read.then((found) => (isRead = found));
  one.reading.get('shop')?.();
  await clock.advance(20_000);
  expect(isRead).toBeUndefined();
  other.reading.get('shop')?.();
  expect(await read).toBe(true);
});

test('at its deadline a pod is told that its namespace is not read', async () => {
  const { clock, whenRead, wait } = start([podIn('shop')]);
  const read = whenRead('shop', wait) as Promise<boolean>;
  await clock.advance(25_000);
  expect(await read).toBe(false);
});

test('the namespace of a pod that the watch has not reported yet is read when the pod asks', async () => {
  const { readAll, whenRead, wait } = start();
  const read = whenRead('shop', wait) as Promise<boolean>;
  await readAll();
  expect(await read).toBe(true);
});

test('attack: a pod that the watch has not reported yet is not judged before the identities that its namespace accepts are read', async () => {
  const { clock, one, other, readAll, whenRead, wanted, wait } = start([], {
    shop: { [`${acceptsLabelPrefix}shared`]: 'true' },
  });
  const read = Promise.resolve(whenRead('shop', wait));
  let isRead: boolean | undefined;
  void read.then((found) => (isRead = found));
  for (const reader of [one, other]) reader.reading.get('shop')?.();
  await clock.advance(1_000);
  expect(isRead).toBeUndefined();
  await readAll();
  expect(await read).toBe(true);
  expect(whenRead('shop', wait)).toBe(true);
  await clock.advance(5 * 60_000);
  expect(wanted()).toEqual([]);
});

test('objects are kept for five minutes after the last pod: a job of each minute causes no list', async () => {
  const { clock, put, remove, readAll, whenRead, wanted, wait } = start([podIn('jobs')]);
  await readAll();
  for (let minute = 0; minute < 10; minute += 1) {
    remove('jobs/web');
    await clock.advance(60_000);
    put(podIn('jobs'));
    expect(whenRead('jobs', wait)).toBe(true);
  }
  remove('jobs/web');
  await clock.advance(5 * 60_000);
  expect(wanted()).toEqual([]);
});

test('a namespace whose identities that of a pod accepts is read too, as long as it is accepted', async () => {
  const { clock, relabel, readAll, whenRead, wanted, wait } = start([podIn('shop')], {
    shop: { [`${acceptsLabelPrefix}shared`]: 'true', [`${acceptsLabelPrefix}other`]: 'no' },
  });
  expect(wanted()).toEqual(['shared', 'shop']);
  await readAll();
  expect(whenRead('shop', wait)).toBe(true);
  relabel('shop', { [`${acceptsLabelPrefix}next`]: 'true' });
  expect(whenRead('shop', wait)).not.toBe(true);
  await readAll();
  expect(whenRead('shop', wait)).toBe(true);
  await clock.advance(5 * 60_000);
  expect(wanted()).toEqual(['next', 'shop']);
});

test('a pod waits at most five seconds for a namespace that its own accepts: its editor decides how long a list takes', async () => {
  const { one, other, clock, whenRead, wait } = start([podIn('shop')], {
    shop: { [`${acceptsLabelPrefix}shared`]: 'true' },
  });
  for (const reader of [one, other]) reader.reading.get('shop')?.();
  const read = whenRead('shop', wait) as Promise<boolean>;
  let isRead: boolean | undefined;
  void read.then((found) => (isRead = found));
  await clock.advance(4_999);
  expect(isRead).toBeUndefined();
  await clock.advance(1);
  expect(isRead).toBe(true);
  expect(whenRead('shop', wait)).toBe(true);
});

const names = fc.constantFrom('a', 'b', 'c');
const step = fc.oneof(
  fc.record({
    do: fc.constantFrom('put', 'remove', 'ask'),
    namespace: names,
    name: fc.constantFrom('1', '2'),
  }),
  fc.record({
    do: fc.constant('relabel' as const),
    namespace: names,
    accepts: fc.array(names, { maxLength: 2 }),
  }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 60_000, 5 * 60_000) }),
);

test('after any history exactly those namespaces are kept that a pod needs, and no pod finds its own unread', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { clock, put, remove, relabel, readAll, whenRead, wanted, wait } = start();
      const live = new Map<string, string>();
      const accepts = new Map<string, readonly string[]>();
      for (const one of steps) {
        if (one.do === 'wait') await clock.advance(one.ms);
        else if (one.do === 'relabel') {
          accepts.set(one.namespace, one.accepts);
          relabel(
            one.namespace,
            Object.fromEntries(one.accepts.map((name) => [acceptsLabelPrefix + name, 'true'])),
          );
        } else if (one.do === 'ask') void whenRead(one.namespace, wait);
        else {
          const key = `${one.namespace}/${one.name}`;
          if (one.do === 'remove') remove(key);
          else put(podIn(one.namespace, { name: one.name, key }));
          if (one.do === 'remove') live.delete(key);
          else live.set(key, one.namespace);
        }
      }
      await clock.advance(5 * 60_000);
      await readAll();
      const own = new Set(live.values());
      const all = new Set([...own].flatMap((name) => [name, ...(accepts.get(name) ?? [])]));
      expect(wanted()).toEqual([...all].sort());
      for (const name of own) expect(whenRead(name, wait)).toBe(true);
    }),
  );
});
