// Informers that keep the objects of some namespaces only. The API server is a model: every write has a version, and a list may be older
// than the last write, as those from its cache are.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  coreKinds,
  createInformer,
  KubeError,
  type KubeRequest,
  type KubeTransport,
} from '@pod-identity/kit/kube';
import { createFakeClock } from '@pod-identity/kit/testing';
import { createScriptedApi } from './fixtures/scripted-api.ts';

interface Stored {
  readonly key: string;
  readonly version: number;
}
interface Event {
  readonly type: string;
  readonly object: ReturnType<typeof objectOf>;
}

const objectOf = ({ key, version }: Stored) => {
  const [namespace = '', name = ''] = key.split('/');
  return { metadata: { namespace, name, uid: key, resourceVersion: `${version}` } };
};

/** A server whose lists wait until they are answered, in any order. */
function createServer() {
  let version = 1;
  const history: (readonly Stored[])[] = [[], []];
  const events: Event[] = [];
  const lists: {
    readonly request: KubeRequest;
    readonly answer: (lag: number) => void;
    readonly fail: () => void;
  }[] = [];
  let watcher: { from: number; end: (error?: Error) => void; wake: () => void } | undefined;
  const write = (type: string, key: string) => {
    version += 1;
    const before = history.at(-1) ?? [];
    const known = before.find((one) => one.key === key);
    const others = before.filter((one) => one.key !== key);
    history.push(type === 'DELETED' ? others : [...others, { key, version }]);
    events.push({
      type,
      object: objectOf(type === 'DELETED' && known ? { ...known, version } : { key, version }),
    });
    watcher?.wake();
  };
  const answer = (request: KubeRequest, lag: number, then: number) => {
    const least = Number(request.query?.['resourceVersion'] ?? then);
    const at = Math.max(least, version - lag);
    const namespace = /namespaces\/([^/]+)\//.exec(request.path)?.[1];
    const found = (history[at] ?? []).filter(
      ({ key }) => namespace === undefined || key.startsWith(`${namespace}/`),
    );
    return { metadata: { resourceVersion: `${at}` }, items: found.map(objectOf) };
  };
  const transport: KubeTransport = {
    server: 'http://model',
    close: () => Promise.resolve(),
    request: (request) =>
      new Promise((resolve, reject) => {
        request.signal?.addEventListener('abort', () => reject(new KubeError('aborted', 'aborted')));
        const fail = () => reject(new KubeError('unavailable', 'no', { status: 503 }));
        const then = version;
        lists.push({ request, answer: (lag) => resolve(answer(request, lag, then)), fail });
      }),
    async *watch(request) {
      let error: Error | undefined;
      const state = { isEnded: false };
      let wake: () => void = () => undefined;
      let from = Number(request.query?.['resourceVersion']);
      const end = (reason?: Error) => {
        error = reason;
        state.isEnded = true;
        wake();
      };
      watcher = { from, end, wake: () => wake() };
      request.signal?.addEventListener('abort', () => end());
      request.onOpen?.();
      while (!state.isEnded) {
        const next = events.find(({ object }) => Number(object.metadata.resourceVersion) > from);
        if (next) {
          from = Number(next.object.metadata.resourceVersion);
          yield next;
        } else await new Promise<void>((resolve) => (wake = resolve));
      }
      if (error) throw error;
    },
  };
  return {
    transport,
    lists,
    write,
    endWatch: (error?: Error) => watcher?.end(error),
    now: (namespaces: ReadonlySet<string>) =>
      (history.at(-1) ?? []).filter(({ key }) => namespaces.has(key.split('/')[0] ?? '')),
  };
}

function start(first: readonly string[] = [], transport?: KubeTransport) {
  const server = createServer();
  const clock = createFakeClock();
  const informer = createInformer<Stored>({
    transport: transport ?? server.transport,
    kind: coreKinds.pods,
    trim: (object) => {
      const { metadata } = object as ReturnType<typeof objectOf>;
      return { key: `${metadata.namespace}/${metadata.name}`, version: Number(metadata.resourceVersion) };
    },
    onlyWanted: true,
    isPerNode: true,
    clock,
    random: () => 0,
  });
  const stop = new AbortController();
  const isRead = Promise.all(first.map((one) => informer.want(one)));
  void informer.run(stop.signal);
  const settle = async () => {
    for (let round = 0; round < 50; round += 1) {
      server.lists.splice(0).forEach((list) => list.answer(0));
      await clock.advance(10_000);
    }
  };
  const kept = () => [...informer.store.values()].map(({ key }) => key).sort();
  return { ...server, clock, informer, isRead, stop, settle, kept };
}

/** The first list has been answered. */
async function startListed() {
  const started = start();
  await started.clock.advance(0);
  started.lists.splice(0).forEach((list) => list.answer(0));
  await started.informer.synced;
  return started;
}

test('keeps the objects of wanted namespaces, which the first list contains', async () => {
  const { isRead, write, clock, lists, kept } = start(['a']);
  write('ADDED', 'a/1');
  write('ADDED', 'b/1');
  await clock.advance(0);
  lists.splice(0).forEach((list) => list.answer(0));
  await isRead;
  expect(kept()).toEqual(['a/1']);
  write('ADDED', 'a/2');
  write('ADDED', 'b/2');
  await clock.advance(0);
  expect(kept()).toEqual(['a/1', 'a/2']);
  expect(lists).toHaveLength(0);
});

test('lists a namespace that is wanted later, alone, from the database: not older than the store', async () => {
  const { informer, write, clock, lists, kept } = await startListed();
  write('ADDED', 'a/1');
  await clock.advance(0);
  const isRead = informer.want('a');
  await clock.advance(0);
  expect(
    lists.map(({ request: { path, query } }) => [path, query?.['resourceVersion'], query?.['limit']]),
  ).toEqual([['/api/v1/namespaces/a/pods', undefined, '500']]);
  lists.splice(0).forEach((list) => list.answer(0));
  await isRead;
  expect(kept()).toEqual(['a/1']);
  informer.unwant('a');
  expect(kept()).toEqual([]);
});

test('an object that was deleted while its namespace was listed does not come back', async () => {
  const { informer, write, clock, lists, kept } = await startListed();
  write('ADDED', 'a/1');
  await clock.advance(0);
  const isRead = informer.want('a');
  await clock.advance(0);
  write('DELETED', 'a/1');
  await clock.advance(0);
  lists.splice(0).forEach((list) => list.answer(1));
  await isRead;
  expect(kept()).toEqual([]);
});

test('a list of a namespace that fails is repeated', async () => {
  const { informer, write, clock, lists, kept } = await startListed();
  write('ADDED', 'a/1');
  const isRead = informer.want('a');
  await clock.advance(0);
  lists.splice(0).forEach((list) => list.fail());
  await clock.advance(5_000);
  lists.splice(0).forEach((list) => list.answer(0));
  await isRead;
  expect(kept()).toEqual(['a/1']);
});

test('a namespace that is wanted between two pages of a list is listed again, alone', async () => {
  const pages = [Promise.withResolvers<unknown>(), Promise.withResolvers<unknown>()];
  const [first, second] = pages;
  const one = objectOf({ key: 'a/1', version: 1 });
  const { transport, lists } = createScriptedApi(({ path }) =>
    path.includes('/namespaces/')
      ? { metadata: { resourceVersion: '2' }, items: [one] }
      : pages.shift()?.promise,
  );
  const { informer, clock, kept } = start([], transport);
  first?.resolve({ metadata: { resourceVersion: '2', continue: 'more' }, items: [one] });
  await clock.advance(0);
  const isRead = informer.want('a');
  second?.resolve({ metadata: { resourceVersion: '2' }, items: [] });
  await isRead;
  expect(kept()).toEqual(['a/1']);
  expect(lists.map(({ path }) => path)).toEqual([
    '/api/v1/pods',
    '/api/v1/pods',
    '/api/v1/namespaces/a/pods',
  ]);
});

test('of a namespace that is given up between two pages of a list nothing is kept', async () => {
  const pages = [Promise.withResolvers<unknown>(), Promise.withResolvers<unknown>()];
  const [first, second] = pages;
  const items = ['a/1', 'b/1'].map((key) => objectOf({ key, version: 1 }));
  const { transport } = createScriptedApi(() => pages.shift()?.promise);
  const { informer, clock, kept } = start(['a', 'b'], transport);
  first?.resolve({ metadata: { resourceVersion: '2', continue: 'more' }, items });
  await clock.advance(0);
  informer.unwant('a');
  second?.resolve({ metadata: { resourceVersion: '2' }, items: [] });
  await informer.synced;
  expect(kept()).toEqual(['b/1']);
});

const namespace = fc.constantFrom('a', 'a', 'b');
const key = fc.tuple(namespace, fc.constantFrom('1', '2')).map((parts) => parts.join('/'));
const stepOf = <Do extends string, More extends object>(
  weight: number,
  kind: Do,
  more: { [Key in keyof More]: fc.Arbitrary<More[Key]> },
) => ({
  weight,
  arbitrary: fc.record({ do: fc.constant(kind), ...more }) as fc.Arbitrary<{ readonly do: Do } & More>,
});
const step = fc.oneof(
  stepOf(4, 'write', { type: fc.constantFrom('ADDED', 'MODIFIED', 'DELETED'), key }),
  stepOf(2, 'want', { namespace }),
  stepOf(1, 'unwant', { namespace }),
  stepOf(3, 'answer', { at: fc.nat(1), lag: fc.nat(3) }),
  stepOf(1, 'fail', { at: fc.nat(1) }),
  stepOf(1, 'end', {}),
  stepOf(1, 'gone', {}),
  stepOf(1, 'wait', {}),
);
type Step<Do extends string> = Extract<
  typeof step extends fc.Arbitrary<infer One> ? One : never,
  { readonly do: Do }
>;

test('after any history the store has the objects of the wanted namespaces, and no others', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }), async (steps) => {
      const { informer, clock, lists, write, endWatch, now, stop, settle } = start();
      const wanted = new Set<string>();
      const read = new Set<string>();
      const kinds = {
        write: ({ type, key: written }: Step<'write'>) => write(type, written),
        want(one: Step<'want'>) {
          wanted.add(one.namespace);
          void informer.want(one.namespace).then(() => read.add(one.namespace));
        },
        unwant(one: Step<'unwant'>) {
          wanted.delete(one.namespace);
          informer.unwant(one.namespace);
        },
        answer: ({ at, lag }: Step<'answer'>) => lists.splice(at, 1)[0]?.answer(lag),
        fail: ({ at }: Step<'fail'>) => lists.splice(at, 1)[0]?.fail(),
        end: () => endWatch(),
        gone: () => endWatch(new KubeError('gone', 'too old', { status: 410 })),
        wait: () => undefined,
      };
      for (const one of steps) {
        kinds[one.do](one as never);
        await clock.advance(one.do === 'wait' ? 6_000 : 0);
        for (const { key: kept } of informer.store.values()) expect(wanted).toContain(kept.split('/')[0]);
      }
      await settle();
      const stored = [...informer.store.values()].sort((x, y) => x.version - y.version);
      expect(stored).toEqual(now(wanted).toSorted((x, y) => x.version - y.version));
      expect([...wanted].filter((one) => !read.has(one))).toEqual([]);
      stop.abort();
    }),
    { numRuns: 1_000 },
  );
});
