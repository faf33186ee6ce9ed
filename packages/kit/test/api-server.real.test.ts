import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  connectKube,
  coreKinds,
  createElector,
  createEventRecorder,
  createInformer,
  createResource,
  type Change,
  type KubeTransport,
  type LeaderTerm,
} from '@pod-identity/kit/kube';
import { createLog, systemClock, type LogFields } from '@pod-identity/kit/serve';
import { startApiServer, type ApiServerFlavour, type RunningApiServer } from '@pod-identity/kit/testing';
import { afterwards, kubeconfigFile } from './fixtures/server.ts';

interface ConfigMap {
  metadata: {
    name: string;
    namespace: string;
    uid?: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
  };
  data?: Record<string, string>;
}
interface InformArguments {
  transport: KubeTransport;
  namespace: string;
  signal: AbortSignal;
}
interface Lease {
  spec: { holderIdentity: string; leaseTransitions: number };
}

const clock = systemClock;
const random = () => 0.5;
const log = createLog({ component: 'test', level: 'error' });
const flavours: ApiServerFlavour[] = ['v1.36', 'v1.20'];

for (const flavour of flavours) {
  const server = await startApiServer({ flavour });
  if ('skipped' in server)
    console.log(`the tests against a real API server ${flavour} are skipped: ${server.skipped}`);
  describe.skipIf('skipped' in server)(`a real API server ${flavour}`, () => {
    if (!('skipped' in server)) suite(server);
  });
}

/** Resolves when the condition holds, checked after each change. */
function until(condition: () => boolean, subscribe: (look: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (condition()) resolve();
    };
    subscribe(look);
    look();
  });
}

function suite(server: RunningApiServer) {
  const admin = connectKube({ kubeconfig: server.kubeconfig, userAgent: 'kit-test' });
  afterAll(async () => {
    await (await admin).close();
    await server.stop();
  });

  async function arrange() {
    const transport = await admin;
    const namespace = `kit-${randomUUID().slice(0, 8)}`;
    await createResource<{ metadata: { name: string } }>(transport, coreKinds.namespaces).create({
      metadata: { name: namespace },
    });
    const maps = createResource<ConfigMap>(transport, coreKinds.configMaps);
    const add = (name: string) => maps.create({ metadata: { name, namespace }, data: { n: name } });
    const signal = new AbortController();
    afterwards(() => signal.abort());
    return { transport, namespace, maps, add, signal: signal.signal };
  }

  function inform({ transport, namespace, signal }: InformArguments) {
    const informer = createInformer({
      transport,
      kind: coreKinds.configMaps,
      namespace,
      trim: (object) => ({ n: (object as ConfigMap).data?.['n'] ?? '' }),
      indexes: { n: ({ n }) => [n] },
      clock,
      random,
      pageSize: 3,
    });
    const changes: string[] = [];
    informer.onChange(({ type, key }: Change<unknown>) => changes.push(`${type} ${key.split('/')[1] ?? ''}`));
    void informer.run(signal);
    return {
      informer,
      changes,
      seen: (text: string) =>
        until(
          () => changes.includes(text),
          (look) => void informer.onChange(look),
        ),
    };
  }

  test('connections are kept over TLS, lists are complete', async () => {
    const { maps, add, namespace } = await arrange();
    const names = Array.from({ length: 7 }, (_, index) => `m${index}`);
    for (const name of names) await add(name);
    const items = await maps.list({ namespace });
    expect(items.map(({ metadata }) => metadata.name).filter((name) => name.startsWith('m'))).toEqual(names);
    expect(items[0]).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
  });

  test('refusals have their codes', async () => {
    const { transport, maps, add, namespace } = await arrange();
    const made = await add('m');
    const { name, resourceVersion = '', uid = '' } = made.metadata;
    const key = { name, namespace };
    const path = `/api/v1/namespaces/${namespace}/configmaps/m`;
    await maps.patch(key, { data: { n: 'x' } }, { resourceVersion });
    const refused: Record<string, () => Promise<unknown>> = {
      'not-found': () => maps.get({ name: 'none', namespace }),
      'already-exists': () => add('m'),
      conflict: () => maps.replace(made),
      invalid: () =>
        transport.request({ method: 'PATCH', path, contentType: 'application/nonsense', body: {} }),
    };
    for (const [code, ask] of Object.entries(refused)) await expect(ask()).rejects.toMatchObject({ code });
    const stale = maps.patch(key, { data: { n: 'y' } }, { resourceVersion });
    await expect(stale).rejects.toMatchObject({ code: 'conflict' });
    await expect(maps.delete(key, { uid: randomUUID() })).rejects.toMatchObject({ code: 'conflict' });
    await expect(transport.request({ method: 'GET', path: '/apis/none.io/v1/x' })).rejects.toMatchObject({
      code: 'not-found',
    });
    await maps.delete(key, { uid });
    await expect(maps.get(key)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('a merge patch changes its fields and leaves the rest', async () => {
    const { maps, add, namespace } = await arrange();
    await add('m');
    const patched = await maps.patch({ name: 'm', namespace }, { data: { a: '1', n: null } });
    expect(patched.data).toEqual({ a: '1' });
  });

  test('a token has the user and rights of its ServiceAccount', async () => {
    const { namespace } = await arrange();
    const token = await server.token(`${namespace}/robot`);
    const cluster = { 'certificate-authority': join(dirname(server.kubeconfig), 'pki', 'ca.crt') };
    const connectAs = async (user: object) => {
      const transport = await connectKube({
        kubeconfig: kubeconfigFile(server.server, { cluster, user }),
        userAgent: 'kit',
      });
      afterwards(() => transport.close());
      return createResource(transport, coreKinds.secrets).list({ namespace });
    };
    await expect(connectAs({ token })).rejects.toMatchObject({
      code: 'denied',
      message: expect.stringContaining('robot') as string,
    });
    await expect(connectAs({ token: `${token}x` })).rejects.toMatchObject({ code: 'unauthorized' });
  });

  test('an informer lists in pages, follows changes, and sees another object of the same name', async () => {
    const { transport, maps, add, namespace, signal } = await arrange();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await add(name);
    const { informer, changes, seen } = inform({ transport, namespace, signal });
    await informer.synced;
    expect(informer.store.by('n', 'd')).toEqual([{ n: 'd' }]);
    expect(informer.store.size).toBeGreaterThanOrEqual(5);
    await maps.patch({ name: 'a', namespace }, { data: { n: 'größe' } });
    await maps.delete({ name: 'b', namespace });
    await add('b');
    await add('last');
    await seen('added last');
    expect(changes.slice(-4)).toEqual(['updated a', 'deleted b', 'added b', 'added last']);
    expect(informer.store.by('n', 'größe')).toHaveLength(1);
    expect(informer.lastHeardMs()).toBeLessThan(5000);
  });

  test('a watch that the server ends is resumed: nothing is listed, missed or reported twice', async () => {
    const { transport, add, namespace, signal } = await arrange();
    let lists = 0;
    const watches: (string | undefined)[] = [];
    const { promise: resumed, resolve } = Promise.withResolvers<undefined>();
    const counting: KubeTransport = {
      ...transport,
      request: (request) => transport.request(request).finally(() => (lists += 1)),
      watch(request) {
        if (watches.push(request.query?.['resourceVersion']) === 2) resolve(undefined);
        return transport.watch({ ...request, query: { ...request.query, timeoutSeconds: '2' } });
      },
    };
    const { informer, changes, seen } = inform({ transport: counting, namespace, signal });
    await informer.synced;
    await add('one');
    await seen('added one');
    const pages = lists;
    await resumed;
    await add('two');
    await seen('added two');
    expect(lists).toBe(pages);
    expect(Number(watches[1])).toBeGreaterThanOrEqual(Number(watches[0]));
    expect(changes.filter((change) => change === 'added one')).toHaveLength(1);
  });

  /** A new kind: the server keeps versions only from now on, so that older ones are unknown. */
  async function defineKind(transport: KubeTransport) {
    const plural = `things${randomUUID().slice(0, 8)}`;
    const [group, version] = ['kit.test', 'v1'];
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
    await transport.request({
      method: 'POST',
      path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
      body: {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: `${plural}.${group}` },
        spec: {
          group,
          scope: 'Namespaced',
          names: { plural, kind: plural, listKind: `${plural}List` },
          versions: [{ name: version, served: true, storage: true, schema }],
        },
      },
    });
    const kind = { group, version, kind: plural, plural, namespaced: true };
    const things = createResource(transport, kind);
    const isServed = () =>
      things.list().then(
        () => true,
        () => false,
      );
    while (!(await isServed())) await clock.sleep(50);
    return kind;
  }

  test.each([
    ['from the database', false],
    ['from memory, for an agent', true],
  ])(
    'a version that is forgotten is gone: all is listed again, %s, and only the difference told',
    async (_, isPerNode) => {
      const { transport, namespace, signal } = await arrange();
      const kind = await defineKind(transport);
      const things = createResource<ConfigMap>(transport, kind);
      await things.create({ metadata: { name: 'kept', namespace } });
      let watches = 0;
      const forgetful: KubeTransport = {
        ...transport,
        async *watch(request) {
          watches += 1;
          // While the informer has an old version, a change happens that only a list shows.
          if (watches === 1) await things.create({ metadata: { name: 'meanwhile', namespace } });
          const query = { ...request.query, ...(watches === 1 ? { resourceVersion: '1' } : {}) };
          yield* transport.watch({ ...request, query });
        },
      };
      const problems: string[] = [];
      const warn = ({ code }: LogFields) => problems.push(String(code));
      const informer = createInformer({
        transport: forgetful,
        kind,
        trim: () => ({}),
        clock,
        isPerNode,
        random: () => 1,
        log: { ...log, warn },
      });
      const changes: string[] = [];
      informer.onChange(({ type, key }) => changes.push(`${type} ${key.split('/')[1] ?? ''}`));
      void informer.run(signal);
      await until(
        () => changes.includes('added meanwhile'),
        (look) => void informer.onChange(look),
      );
      expect(problems).toEqual(['gone']);
      expect(changes).toEqual(['added kept', 'added meanwhile']);
    },
  );

  test('of two candidates one leads; when it stops the other follows at once', async () => {
    const { transport, namespace, signal } = await arrange();
    const leases = createResource<Lease>(transport, coreKinds.leases);
    const stand = (identity: string) => {
      const stop = new AbortController();
      signal.addEventListener('abort', () => stop.abort());
      const elected = Promise.withResolvers<LeaderTerm>();
      const timing = { durationMs: 10_000, renewMs: 300, retryMs: 100 };
      const elector = createElector({
        transport,
        namespace,
        name: 'mic',
        identity,
        ...timing,
        clock,
        random,
        log,
      });
      const running = elector.run(stop.signal, async (term) => {
        elected.resolve(term);
        await new Promise((resolve) => term.signal.addEventListener('abort', resolve));
      });
      return { elector, elected: elected.promise, running, stop: () => stop.abort() };
    };
    const a = stand('a');
    const first = await a.elected;
    const b = stand('b');
    // Long enough for three renewals.
    const query = { watch: 'true', resourceVersion: '0' };
    const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
    let seen = 0;
    for await (const event of transport.watch({ method: 'GET', path, query, signal })) {
      expect(event).toMatchObject({ object: { spec: { holderIdentity: 'a' } } });
      if ((seen += 1) > 3) break;
    }
    expect([first.holds(), a.elector.isLeader(), b.elector.isLeader(), b.elector.leader()]).toEqual([
      true,
      true,
      false,
      'a',
    ]);
    a.stop();
    await a.running;
    expect(first.holds()).toBe(false);
    expect((await b.elected).holds()).toBe(true);
    const { spec } = await leases.get({ name: 'mic', namespace });
    expect(spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1, leaseDurationSeconds: 10 });
    b.stop();
    await b.running;
  });

  test('events are accepted, and a repeated one is counted', async () => {
    const { transport, namespace } = await arrange();
    const recorder = createEventRecorder({ transport, component: 'kit', clock, random, log });
    const involved = { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'm', uid: randomUUID() };
    const event = { type: 'Warning', reason: 'Because', message: 'it had to', involved } as const;
    recorder.record(event);
    await recorder.flush();
    recorder.record(event);
    recorder.record(event);
    recorder.record({ ...event, involved: { apiVersion: 'v1', kind: 'Node', name: `n-${namespace}` } });
    await recorder.flush();
    const events = createResource<{ count: number; reason: string; involvedObject: { name: string } }>(
      transport,
      coreKinds.events,
    );
    const items = await events.list({ namespace });
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({ count: 3, reason: 'Because', involvedObject: involved });
    const others = await events.list({ namespace: 'default' });
    const ofNodes = others.filter(({ involvedObject }) => involvedObject.name === `n-${namespace}`);
    expect(ofNodes).toHaveLength(1);
  });
}
