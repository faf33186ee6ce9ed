import { KubeError, type KubeRequest, type KubeTransport } from '@pod-identity/kit/kube';
import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, expect, it } from 'vitest';
import { createTransport, list } from '../../../test/transport.ts';
import { writeEntry, type RosterEntry } from '../../broker/roster/entry.ts';
import { watchReplicas } from './replicas.ts';

const certificates = ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'];
const entry = (name: string): RosterEntry => ({ uid: name, address: '10.0.0.7', port: 8443, certificates });
let version = 1;
const map = (...names: readonly string[]) => ({
  metadata: {
    namespace: 'broker',
    name: 'broker-replicas',
    uid: 'm',
    resourceVersion: String((version += 1)),
  },
  ...(names.length > 0 && { data: Object.fromEntries(names.map((name) => [name, writeEntry(entry(name))])) }),
});

const log = createLog({ component: 'nmi', destination: { write: () => undefined } });
const stops: AbortController[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop.abort()));

/** An API server with one ConfigMap; `change` sends an event, `end` ends the watch and fails from then on. */
async function start(object: object | undefined) {
  const clock = createFakeClock();
  const requests: KubeRequest[] = [];
  const events: object[] = [];
  let wake = (): void => undefined;
  let isAway = false;
  const transport: KubeTransport = {
    server: 'model',
    close: () => Promise.resolve(),
    request: async (request) => {
      requests.push(request);
      await Promise.resolve();
      return { metadata: { resourceVersion: '1' }, items: object ? [object] : [] };
    },
    watch: async function* watch({ signal, onOpen }) {
      if (isAway) throw new Error('away');
      onOpen?.();
      const isOver = () => isAway || signal?.aborted === true;
      while (!isOver()) {
        yield* events.splice(0);
        await new Promise<void>((resolve) => {
          wake = resolve;
          signal?.addEventListener('abort', () => resolve());
        });
      }
    },
  };
  const replicas = watchReplicas({ transport, clock, random: () => 0, log, namespace: 'broker' });
  const stop = new AbortController();
  stops.push(stop);
  void replicas.informer.run(stop.signal);
  await clock.advance(1);
  const change = async (type: 'MODIFIED' | 'DELETED' | 'ADDED', changed: object) => {
    events.push({ type, object: changed });
    wake();
    await clock.advance(0);
  };
  const end = async () => {
    isAway = true;
    wake();
    await clock.advance(0);
  };
  return { clock, requests, change, end, names: async () => (await replicas.all()).map(({ uid }) => uid) };
}

it('reads that one ConfigMap of that namespace', async () => {
  const { requests, names } = await start(map('a', 'b'));
  await expect(names()).resolves.toEqual(['a', 'b']);
  expect(requests[0]).toMatchObject({
    path: '/api/v1/namespaces/broker/configmaps',
    query: { fieldSelector: 'metadata.name=broker-replicas' },
  });
});

it('knows no replica without the ConfigMap', async () => {
  const { names } = await start(undefined);
  await expect(names()).resolves.toEqual([]);
});

it('attack: a replica that left the ConfigMap is not dialled any more', async () => {
  const { change, names } = await start(map('a', 'b'));
  await change('MODIFIED', map('b'));
  await expect(names()).resolves.toEqual(['b']);
});

it.each([
  ['MODIFIED', map()],
  ['DELETED', map('a', 'b')],
] as const)('attack: an emptied ConfigMap (%s) does not cut NMI off for a minute', async (type, object) => {
  const { clock, change, names } = await start(map('a', 'b'));
  await change(type, object);
  await clock.advance(59_999);
  await expect(names()).resolves.toEqual(['a', 'b']);
  await clock.advance(1);
  await expect(names()).resolves.toEqual([]);
});

it('after a wipe the entries that are back count, also after a minute', async () => {
  const { clock, change, names } = await start(map('a', 'b'));
  await change('DELETED', map('a', 'b'));
  await clock.advance(5_000);
  await change('ADDED', map());
  await change('MODIFIED', map('b'));
  await expect(names()).resolves.toEqual(['b']);
  await clock.advance(60_000);
  await expect(names()).resolves.toEqual(['b']);
});

it('attack: emptying it again does not prolong the minute', async () => {
  const { clock, change, names } = await start(map('a'));
  await change('MODIFIED', map());
  await clock.advance(40_000);
  await change('DELETED', map());
  await clock.advance(20_000);
  await expect(names()).resolves.toEqual([]);
});

it('knows its replicas while the API server is away', async () => {
  const { clock, end, names } = await start(map('a', 'b'));
  await end();
  await clock.advance(10 * 60_000);
  await expect(names()).resolves.toEqual(['a', 'b']);
});

it('attack: a ConfigMap that may not be read holds a request for 2 seconds only', async () => {
  const clock = createFakeClock();
  const transport = createTransport(() => {
    throw new KubeError('denied', 'no right', { status: 403 });
  });
  const replicas = watchReplicas({ transport, clock, random: () => 0, log, namespace: 'broker' });
  const stop = new AbortController();
  stops.push(stop);
  void replicas.informer.run(stop.signal);
  const all = replicas.all();
  await clock.advance(2_000);
  await expect(all).resolves.toEqual([]);
});

it('a request that comes before the ConfigMap was read waits for it', async () => {
  const clock = createFakeClock();
  const transport = createTransport(() => list(map('a')));
  const replicas = watchReplicas({ transport, clock, random: () => 0, log, namespace: 'broker' });
  const stop = new AbortController();
  stops.push(stop);
  const all = replicas.all();
  void replicas.informer.run(stop.signal);
  await expect(all).resolves.toMatchObject([{ uid: 'a' }]);
});
