// How long a right counts after it was taken away: from the write that the API server stores until NMI refuses. The API server
// is a model in memory on a clock that the test moves, so that what is measured is the bound and not this machine.
import { KubeError, type KubeRequest, type KubeTransport } from '@pod-identity/kit/kube';
import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { createAuthorizer } from '../src/authorize/authorizer.ts';
import { createClusterInformers } from '../src/authorize/cluster-view.ts';
import { createReadiness } from '../src/ready/readiness.ts';
import { binding, identity, pod } from './builders.ts';

const stops: AbortController[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop.abort()));

interface Named {
  readonly metadata: { readonly name?: string };
}
const stored = (object: Named, version: number) => ({
  ...object,
  metadata: { ...object.metadata, uid: String(object.metadata.name), resourceVersion: `${version}` },
});

interface OpenWatch {
  readonly plural: string;
  end(error?: KubeError): void;
  send(event: unknown): void;
  isStranded: boolean;
}

/** An API server: it can be away, refuse a kind, forget versions, or say nothing more over the connections of now. */
function createModel(clock: FakeClock) {
  const objects = new Map<string, Named[]>([
    ['azureidentities', [identity({ name: 'reader' })]],
    ['azureidentitybindings', [binding('reader')]],
  ]);
  const state = { version: 10, forgotten: 0, isAway: false, isSilent: false, isMute: false, denied: '' };
  const open = new Set<OpenWatch>();
  const gone: { readonly plural: string; readonly version: number; readonly object: unknown }[] = [];

  const admit = async (plural: string, { signal }: KubeRequest, patienceMs: number) => {
    // A request that begins while nothing responds gets no response afterwards either.
    if (state.isSilent) {
      await clock.sleep(patienceMs, signal);
      throw silence();
    }
    if (state.isAway) throw new KubeError('transport', 'connection refused');
    if (state.denied === plural) throw new KubeError('denied', 'forbidden', { status: 403 });
  };
  async function* watch(request: KubeRequest): AsyncGenerator {
    const plural = pluralOf(request);
    await admit(plural, request, 10_000);
    const since = Number(request.query?.['resourceVersion']);
    if (since < state.forgotten) throw new KubeError('gone', 'too old', { status: 410 });
    request.onOpen?.();
    const queue: (() => unknown)[] = gone
      .filter((one) => !state.isMute && one.plural === plural && one.version > since)
      .map((one) => () => ({ type: 'DELETED', object: one.object }));
    yield* stream(request, queue);
  }
  async function* stream(request: KubeRequest, queue: (() => unknown)[]): AsyncGenerator {
    let wake = Promise.withResolvers<undefined>();
    if (queue.length > 0) wake.resolve(undefined);
    const push = (item: () => unknown) => {
      queue.push(item);
      wake.resolve(undefined);
    };
    const one: OpenWatch = {
      plural: pluralOf(request),
      isStranded: state.isMute,
      send: (event) => push(() => event),
      end: (error) =>
        push(() => {
          if (error) throw error;
          return undefined;
        }),
    };
    const stopTimers = startTimers(request, one);
    open.add(one);
    try {
      for (;;) {
        await wake.promise;
        wake = Promise.withResolvers();
        const events: unknown[] = queue.splice(0).map((item) => item());
        yield* events.filter((event) => event !== undefined);
        if (events.includes(undefined)) return;
      }
    } finally {
      open.delete(one);
      stopTimers();
    }
  }
  /** The server ends a watch when its time is over; the client when it has heard nothing for long. */
  const startTimers = ({ timeoutMs = Infinity, query, signal }: KubeRequest, one: OpenWatch) => {
    const silent = clock.after(timeoutMs, () => one.end(silence()));
    const over = clock.after(Number(query?.['timeoutSeconds']) * 1_000, () => {
      if (!one.isStranded) one.end();
    });
    signal?.addEventListener('abort', () => one.end(), { once: true });
    return () => [silent, over].forEach((timer) => timer.cancel());
  };
  const transport: KubeTransport = {
    server: 'model',
    close: () => Promise.resolve(),
    watch,
    async request(request) {
      const plural = pluralOf(request);
      await admit(plural, request, 30_000);
      const items = (objects.get(plural) ?? []).map((object) => stored(object, state.version));
      return { metadata: { resourceVersion: `${state.version}` }, items };
    },
  };
  const breakAll = () => {
    for (const one of open) one.end(new KubeError('transport', 'connection reset'));
  };
  return {
    transport,
    strand() {
      for (const one of open) one.isStranded = true;
    },
    /** Watches are accepted, and nothing comes over them. */
    goMute() {
      state.isMute = true;
      this.strand();
    },
    goAway({ isSilent = false } = {}) {
      Object.assign(state, { isAway: true, isSilent });
      breakAll();
    },
    comeBack({ forgets = false } = {}) {
      Object.assign(state, { isAway: false, isSilent: false });
      if (forgets) state.forgotten = state.version;
    },
    deny(plural: string) {
      state.denied = plural;
      breakAll();
    },
    /** The binding is deleted. */
    revoke() {
      state.version += 1;
      const object = stored(binding('reader'), state.version);
      objects.set('azureidentitybindings', []);
      gone.push({ plural: 'azureidentitybindings', version: state.version, object });
      for (const one of open)
        if (one.plural === 'azureidentitybindings' && !one.isStranded) one.send({ type: 'DELETED', object });
    },
  };
}

const silence = () => new KubeError('transport', 'nothing heard');

const pluralOf = ({ path }: KubeRequest) => path.split('/').at(-1) ?? '';

/** An agent that serves a pod by its binding. */
async function serving(random: () => number) {
  const clock = createFakeClock();
  const api = createModel(clock);
  const log = createLog({ component: 'nmi', destination: { write: () => undefined } });
  const cluster = createClusterInformers({
    transport: api.transport,
    clock,
    random,
    log,
  });
  const stop = new AbortController();
  stops.push(stop);
  for (const informer of cluster.informers) void informer.run(stop.signal);
  const { isOutdated } = createReadiness({
    informers: cluster.informers,
    clock,
    outageMs: 15 * 60_000,
    selfTest: () => Promise.resolve(true),
  });
  const rules = {
    mode: 'managed',
    forceNamespaced: false,
    authorities: new Set<string>(),
    identityAccess: 'namespace',
    exceptionNamespaces: new Set<string>(),
  } as const;
  const authorizer = createAuthorizer(cluster.view, rules);
  const isServed = () => !isOutdated() && authorizer.decide(pod(), { by: 'nothing' }).kind === 'allow';
  await clock.advance(1_000);
  expect(isServed()).toBe(true);
  return { clock, api, isServed };
}

/** Milliseconds until the pod is refused. */
async function untilRefused({ clock, isServed }: { clock: FakeClock; isServed: () => boolean }) {
  const begun = clock.now();
  await clock.advance(0);
  while (isServed()) {
    if (clock.now() - begun > 3_600_000)
      throw new Error('the pod is served an hour after its right was taken');
    await clock.advance(100);
  }
  return clock.now() - begun;
}

describe.each([
  ['shortest', () => 1],
  ['longest', () => 0],
])('a right that was taken away, with the %s pauses', (_, random) => {
  it('counts no longer as soon as the watch tells, while the API server answers', async () => {
    const scene = await serving(random);
    scene.api.revoke();
    expect(await untilRefused(scene)).toBe(0);
  });

  it.each([
    ['a blip', 1_000, false],
    ['20 s', 20_000, false],
    ['ten minutes', 600_000, false],
    ['a minute, and versions are forgotten', 60_000, true],
  ])('counts for 6 s at most after an outage of %s', async (_, ms, forgets) => {
    const scene = await serving(random);
    scene.api.goAway();
    await scene.clock.advance(ms);
    scene.api.revoke();
    scene.api.comeBack({ forgets });
    expect(await untilRefused(scene)).toBeLessThanOrEqual(6_000);
  });

  it.each([
    ['a blip', 1_000, false],
    ['20 s', 20_000, false],
    ['a minute, and versions are forgotten', 60_000, true],
  ])('counts for 14 s at most after %s in which requests got no response', async (_, ms, forgets) => {
    const scene = await serving(random);
    await scene.clock.advance(5_000);
    // A request that began meanwhile is given up after 10 s, and repeated within 4 s.
    scene.api.goAway({ isSilent: true });
    await scene.clock.advance(ms);
    scene.api.revoke();
    scene.api.comeBack({ forgets });
    expect(await untilRefused(scene)).toBeLessThanOrEqual(14_000);
  });

  it('counts for 90 s at most when the watch is half-open', async () => {
    const scene = await serving(random);
    scene.api.strand();
    scene.api.revoke();
    expect(await untilRefused(scene)).toBeLessThanOrEqual(90_000);
  });

  it.each<[string, (api: ReturnType<typeof createModel>) => void]>([
    ['NMI alone is cut off from the API server', (api) => api.goAway()],
    ['the API server accepts watches and is silent', (api) => api.goMute()],
    ['NMI may not watch bindings any more', (api) => api.deny('azureidentitybindings')],
  ])('counts for --pod-check-outage at most when %s for good', async (_, act) => {
    const scene = await serving(random);
    act(scene.api);
    scene.api.revoke();
    const tookMs = await untilRefused(scene);
    expect(tookMs).toBeGreaterThan(14 * 60_000);
    expect(tookMs).toBeLessThanOrEqual(15 * 60_000 + 100);
  });
});
