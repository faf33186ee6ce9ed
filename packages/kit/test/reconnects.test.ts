// Informers when the API server is unreachable, returns, or has lost versions: how soon they recover, and with how many requests.
import { describe, expect, test } from 'vitest';
import {
  connectKube,
  coreKinds,
  createInformer,
  KubeError,
  type KubeRequest,
  type KubeTransport,
  type ResourceKind,
} from '@pod-identity/kit/kube';
import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';
import { afterwards, kubeconfigFile, startServer } from './fixtures/server.ts';
import { createScriptedApi, type WatchCall } from './fixtures/scripted-api.ts';

const list = () => listOf(10);
const listOf = (version: number) => ({ metadata: { resourceVersion: `${version}` }, items: [] });
const away = () => new KubeError('transport', 'connection refused');
const gone = () => new KubeError('gone', 'too old', { status: 410 });
const kinds = [coreKinds.pods, coreKinds.nodes, coreKinds.configMaps, coreKinds.secrets, coreKinds.events];

/** Deterministic random numbers. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

type Forgets = 'nothing' | 'what was before' | 'everything';
type Away = 'refuses connections' | 'does not respond';

/** An API server for many processes that can be unreachable, and records requests with their times. */
function createServerModel(clock: FakeClock) {
  const open = new Set<WatchCall>();
  const asked: { readonly at: number; readonly what: 'list' | 'watch' }[] = [];
  const state = { away: undefined as Away | undefined, forgets: 'nothing' as Forgets, version: 10 };

  const admit = async (
    what: 'list' | 'watch',
    { signal, query }: Pick<KubeRequest, 'signal' | 'query'>,
  ): Promise<void> => {
    asked.push({ at: clock.now(), what });
    // A request that begins while nothing responds gets no response afterwards either.
    if (state.away === 'does not respond') {
      await clock.sleep(what === 'list' ? 30_000 : 10_000, signal);
      throw away();
    }
    if (state.away !== undefined) throw away();
    const version = what === 'list' ? Infinity : Number(query?.['resourceVersion']);
    if (version < state.version || (what === 'watch' && state.forgets === 'everything')) throw gone();
  };
  const process = (): KubeTransport => ({
    ...createScriptedApi(list).transport,
    async request(request) {
      await admit('list', request);
      return listOf(state.version);
    },
    async *watch(request) {
      await admit('watch', request);
      const api = createScriptedApi(list);
      const events = api.transport.watch(request)[Symbol.asyncIterator]();
      const first = events.next();
      const [call] = api.watches;
      if (!call) throw new Error('the watch did not begin');
      open.add(call);
      try {
        for (let next = await first; next.done !== true; next = await events.next()) yield next.value;
      } finally {
        open.delete(call);
      }
    },
  });
  return {
    process,
    asked,
    open,
    since: (at: number) => asked.filter((one) => one.at >= at),
    goAway(how: Away = 'refuses connections') {
      state.away = how;
      for (const watch of open) watch.end(away());
    },
    comeBack(forgets: Forgets = 'nothing') {
      Object.assign(state, { away: undefined, forgets });
      if (forgets !== 'nothing') state.version += 10;
    },
    remember: () => void (state.forgets = 'nothing'),
  };
}

interface Running {
  readonly clock: FakeClock;
  readonly random: () => number;
  readonly of?: readonly ResourceKind[];
}

function startInformers(transport: KubeTransport, { clock, random, of = kinds }: Running) {
  const controller = new AbortController();
  afterwards(() => controller.abort());
  for (const kind of of) {
    const options = { transport, kind, trim: () => ({}), clock, random };
    void createInformer(options).run(controller.signal);
  }
}

async function nodes(count: number, seed = 1) {
  const clock = createFakeClock();
  const server = createServerModel(clock);
  for (let node = 0; node < count; node += 1)
    startInformers(server.process(), { clock, random: createRandom(node + seed) });
  await clock.advance(0);
  expect(server.open.size).toBe(count * kinds.length);
  return { clock, server };
}

/** Milliseconds until the condition holds, checked in steps. */
async function until(clock: FakeClock, what: () => boolean, withinMs: number): Promise<number> {
  const begun = clock.now();
  while (!what()) {
    if (clock.now() - begun > withinMs) throw new Error(`did not hold within ${withinMs} ms`);
    await clock.advance(50);
  }
  return clock.now() - begun;
}

describe('one process', () => {
  test.each([20_000, 300_000])(
    'after an outage of %d ms all watches are open again within 6 s',
    async (ms) => {
      const { clock, server } = await nodes(1);
      server.goAway();
      await clock.advance(ms);
      server.comeBack();
      const took = await until(clock, () => server.open.size === kinds.length, 60_000);
      expect(took).toBeLessThanOrEqual(6_000);
    },
  );

  test.each([1_000, 16_000, 300_000])(
    'after %d ms in which requests got no response all watches are open again within 14 s: a watch that is not accepted is given up after 10 s',
    async (ms) => {
      for (let seed = 1; seed <= 10; seed += 1) {
        const { clock, server } = await nodes(1, seed);
        await clock.advance(5_000);
        server.goAway('does not respond');
        await clock.advance(ms);
        server.comeBack(seed % 2 === 0 ? 'what was before' : 'nothing');
        const took = await until(clock, () => server.open.size === kinds.length, 60_000);
        expect(took, `seed ${seed}`).toBeLessThanOrEqual(14_000);
      }
    },
  );

  test('a server that is back but has lost the version is listed at once', async () => {
    const { clock, server } = await nodes(1);
    server.goAway();
    await clock.advance(20_000);
    const backAt = clock.now();
    server.comeBack('what was before');
    const took = await until(clock, () => server.open.size === kinds.length, 60_000);
    expect(took).toBeLessThanOrEqual(6_000);
    const asked = server.since(backAt);
    expect(asked).toHaveLength(3 * kinds.length);
    for (const [, one] of Map.groupBy(asked, ({ at }) => at))
      expect(one.map(({ what }) => what)).toEqual(['watch', 'list', 'watch']);
  });

  test('a server that loses each version at once is not listed endlessly', async () => {
    const { clock, server } = await nodes(1);
    server.goAway();
    await clock.advance(5_000);
    server.comeBack('everything');
    await clock.advance(10_000);
    const before = server.asked.length;
    await clock.advance(60_000);
    const lists = server.asked.slice(before).filter(({ what }) => what === 'list').length;
    // Each of the five about once in 2 s.
    expect(lists).toBeLessThanOrEqual(kinds.length * 45);
    server.remember();
    await until(clock, () => server.open.size === kinds.length, 6_000);
  });

  test('a refusal of one informer does not slow down the others, nor do their responses speed it up', async () => {
    const clock = createFakeClock();
    const server = createServerModel(clock);
    const transport = server.process();
    const refused: number[] = [];
    const refusing: KubeTransport = {
      ...transport,
      request(request) {
        if (!request.path.endsWith('/secrets')) return transport.request(request);
        refused.push(clock.now());
        return Promise.reject(new KubeError('denied', 'no', { status: 403 }));
      },
    };
    startInformers(refusing, { clock, random: createRandom(1) });
    await clock.advance(60_000);
    expect(server.open.size).toBe(kinds.length - 1);
    expect(refused.length).toBeLessThanOrEqual(45);
    server.goAway();
    await clock.advance(60_000);
    server.comeBack();
    await until(clock, () => server.open.size === kinds.length - 1, 6_000);
  });

  test('Retry-After applies to the informer that got it, for at most 30 s', async () => {
    const clock = createFakeClock();
    const server = createServerModel(clock);
    const transport = server.process();
    const asked: number[] = [];
    const throttling: KubeTransport = {
      ...transport,
      request(request) {
        if (!request.path.endsWith('/pods')) return transport.request(request);
        asked.push(clock.now());
        const retryAfterMs = asked.length === 1 ? 9_000 : 3_600_000;
        return Promise.reject(new KubeError('throttled', 'slow down', { status: 429, retryAfterMs }));
      },
    };
    startInformers(throttling, { clock, random: createRandom(1) });
    await clock.advance(120_000);
    const gaps = asked.slice(1).map((at, index) => at - (asked[index] ?? 0));
    expect(gaps[0]).toBe(9_000);
    expect(gaps.slice(1)).toEqual([30_000, 30_000, 30_000]);
  });
});

test('Retry-After of one informer does not delay the retries of the others', async () => {
  const clock = createFakeClock();
  const server = createServerModel(clock);
  const transport = server.process();
  const throttling: KubeTransport = {
    ...transport,
    request(request) {
      if (!request.path.endsWith('/secrets')) return transport.request(request);
      return Promise.reject(new KubeError('throttled', 'slow down', { status: 429, retryAfterMs: 30_000 }));
    },
  };
  startInformers(throttling, { clock, random: createRandom(1) });
  await clock.advance(0);
  expect(server.open.size).toBe(kinds.length - 1);
  server.goAway();
  await clock.advance(1_000);
  server.comeBack();
  await until(clock, () => server.open.size === kinds.length - 1, 6_000);
});

describe('a half-open watch', () => {
  /** A server whose first watch stays silent after it was accepted; without `isAgreed` it is not even accepted. */
  async function watchOf(isAgreed: boolean) {
    const first = Promise.withResolvers<undefined>();
    let opened = 0;
    const { url } = await startServer((request, response) => {
      if (!request.url?.includes('watch=true')) return void response.end(JSON.stringify(list()));
      if (isAgreed || opened > 0) response.writeHead(200).flushHeaders();
      opened += 1;
      first.resolve(undefined);
    });
    const clock = createFakeClock();
    const transport = await connectKube({ kubeconfig: kubeconfigFile(url), userAgent: 'kit', clock });
    afterwards(() => transport.close());
    const controller = new AbortController();
    afterwards(() => controller.abort());
    const informer = createInformer({
      transport,
      kind: coreKinds.pods,
      clock,
      random: () => 1,
      trim: () => ({}),
    });
    void informer.run(controller.signal);
    await first.promise;
    return { clock, opened: () => opened };
  }

  test.each([
    ['that nothing comes over is noticed within 90 s', true, 90_000],
    ['that the server did not even agree to is given up after 10 s', false, 11_000],
  ])('%s', async (_, isAgreed, withinMs) => {
    const { clock, opened } = await watchOf(isAgreed);
    // The response headers must arrive before time passes.
    for (let turn = 0; turn < 20; turn += 1) await clock.advance(0);
    await clock.advance(withinMs);
    await expect.poll(opened, { message: 'the watch is opened again' }).toBe(2);
  });
});

interface Outage {
  readonly ms: number;
  readonly forgets: Forgets;
  readonly inAll: number;
  readonly inASecond: number;
}

describe('a hundred nodes with five watches each', () => {
  const count = 100;
  const watches = count * kinds.length;

  /** Maximum requests in any second from then on. */
  function peak(asked: readonly { readonly at: number }[]): number {
    const bySecond = Map.groupBy(asked, ({ at }) => Math.floor(at / 1_000));
    return Math.max(...[...bySecond.values()].map(({ length }) => length));
  }

  // A list and two watches each if versions are lost, else one watch each.
  test.each<[string, Outage]>([
    ['1 s', { ms: 1_000, forgets: 'nothing', inAll: watches, inASecond: 500 }],
    ['20 s', { ms: 20_000, forgets: 'nothing', inAll: watches, inASecond: 250 }],
    ['a minute', { ms: 60_000, forgets: 'nothing', inAll: watches, inASecond: 250 }],
    [
      'a minute, and versions are forgotten',
      { ms: 60_000, forgets: 'what was before', inAll: 3 * watches, inASecond: 700 },
    ],
  ])('that come back at once after %s are spread', async (_, { ms, forgets, ...most }) => {
    const { clock, server } = await nodes(count);
    server.goAway();
    await clock.advance(ms);
    const backAt = clock.now();
    server.comeBack(forgets);
    const took = await until(clock, () => server.open.size === watches, 60_000);
    const asked = server.since(backAt);
    expect(took).toBeLessThanOrEqual(6_000);
    expect(asked.length).toBeLessThanOrEqual(most.inAll);
    expect(peak(asked)).toBeLessThanOrEqual(most.inASecond);
  });

  test('send at most 400 requests a second in total while it is unreachable', async () => {
    const { clock, server } = await nodes(count);
    server.goAway();
    await clock.advance(10_000);
    const since = clock.now();
    await clock.advance(60_000);
    const asked = server.since(since);
    expect(peak(asked)).toBeLessThanOrEqual(400);
  });
});
