import { once } from 'node:events';
import { KubeError, type KubeRequest } from '@pod-identity/kit/kube';
import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, expect, it } from 'vitest';
import { createTransport } from '../../../test/transport.ts';
import { readEntries, writeEntry } from './entry.ts';
import { createRoster, type RosterOptions } from './roster.ts';

const mapPath = '/api/v1/namespaces/broker/configmaps/broker-replicas';
const certificate = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
const entryOf = (uid: string) =>
  writeEntry({ uid, address: '10.0.0.9', port: 8443, certificates: [certificate('OTHER')] });

interface Model {
  data: Record<string, string> | undefined;
  version: number;
  /** Uid by name. */
  readonly pods: Map<string, string>;
  /** Names of pods that have ended: their objects stay until somebody deletes them. */
  readonly ended: Set<string>;
  /** Names of pods that are being deleted; those of a lost node stay so. */
  readonly deleted: Set<string>;
  failure: KubeError | undefined;
  /** Of requests for pods. */
  hidden: KubeError | undefined;
  /** Of a write. */
  isResponseLost: boolean;
  /** Gives no response until the request is ended. */
  isSilent: boolean;
}

const stops: AbortController[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop.abort()));

interface Given {
  readonly isResponseLost?: boolean;
  readonly failure?: KubeError;
  readonly pods?: readonly (readonly [name: string, uid: string])[];
}

const renewMs = 10 * 60_000;

async function start(
  data?: Record<string, string>,
  { failure, pods = [], isResponseLost = false }: Given = {},
) {
  const model: Model = {
    data,
    version: 1,
    pods: new Map([['broker-a', 'uid-a'], ...pods]),
    ended: new Set(),
    deleted: new Set(),
    failure,
    hidden: undefined,
    isResponseLost,
    isSilent: false,
  };
  const clock = createFakeClock(1_700_000_000_000);
  const transport = createTransport(async (request) => {
    if (model.isSilent) await hang(request);
    return respond(model, request);
  });
  const made: string[] = [];
  const renewed: string[] = [];
  const lines: string[] = [];
  const create = (name: string) => {
    made.push(name);
    const mark = 'ABCD'.charAt(made.length - 1).repeat(4);
    return { key: mark, certificate: certificate(mark) };
  };
  const options: RosterOptions = {
    transport,
    clock,
    random: () => 0,
    log: createLog({ component: 'nmi', destination: { write: (line) => void lines.push(line) } }),
    pod: { namespace: 'broker', name: 'broker-a', uid: 'uid-a', address: '10.0.0.7' },
    port: 8443,
    onRenewed: ({ key }) => renewed.push(key),
  };
  const roster = await createRoster(options, { create, renewMs });
  const stop = new AbortController();
  stops.push(stop);
  const run = roster.run(stop.signal);
  await clock.advance(0);
  const own = () =>
    readEntries(model.data)
      .get('broker-a')
      ?.certificates.map((pem) => pem.slice(28, 32));
  return { model, clock, transport, options, roster, run, stop, own, renewed, lines };
}

async function hang({ signal }: KubeRequest): Promise<never> {
  if (signal?.aborted !== true) await once(signal ?? new EventTarget(), 'abort');
  throw new KubeError('aborted', 'ended');
}

function podIn({ pods, ended, deleted, hidden }: Model, name: string): unknown {
  if (hidden) throw hidden;
  if (!pods.has(name)) throw new KubeError('not-found', 'no pod', { status: 404 });
  const deletion = deleted.has(name) ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {};
  return {
    metadata: { name, uid: pods.get(name), ...deletion },
    status: { phase: ended.has(name) ? 'Failed' : 'Running' },
  };
}

function respond(model: Model, { method, path, body }: KubeRequest): unknown {
  if (model.failure) throw model.failure;
  const pod = /\/api\/v1\/namespaces\/broker\/pods\/(.+)/.exec(path)?.[1];
  if (pod !== undefined) return podIn(model, pod);
  if (path !== mapPath) throw new KubeError('denied', path, { status: 403 });
  const metadata = { namespace: 'broker', name: 'broker-replicas', resourceVersion: String(model.version) };
  if (method === 'GET') return { metadata, ...(model.data && { data: { ...model.data } }) };
  if (method !== 'PUT') throw new KubeError('denied', method, { status: 403 });
  return replace(model, body as Written, metadata.resourceVersion);
}

interface Written {
  readonly metadata: { readonly resourceVersion: string };
  readonly data: Record<string, string>;
}

function replace(model: Model, written: Written, version: string): unknown {
  if (written.metadata.resourceVersion !== version)
    throw new KubeError('conflict', 'changed', { status: 409 });
  Object.assign(model, { data: written.data, version: model.version + 1 });
  if (model.isResponseLost) throw new KubeError('unavailable', 'broken off');
  return written;
}

it('writes its entry into a ConfigMap without data, beside those of other replicas', async () => {
  const { model, own } = await start();
  expect(own()).toEqual(['AAAA']);
  expect(readEntries(model.data).get('broker-a')).toMatchObject({
    uid: 'uid-a',
    address: '10.0.0.7',
    port: 8443,
  });
});

it('counts as seen when agents had 15 seconds, and not while the entry could not be written', async () => {
  const { clock, roster, lines } = await start();
  await clock.advance(14_999);
  expect(roster.isSeen()).toBe(false);
  await clock.advance(1);
  expect([roster.isSeen(), lines]).toEqual([true, []]);

  const refused = await start({}, { failure: new KubeError('denied', 'no right', { status: 403 }) });
  await refused.clock.advance(60_000);
  expect(refused.roster.isSeen()).toBe(false);
  expect(refused.lines[0]).toContain('no right');
});

it('attack: a wiped or forged entry is back in 5 seconds, and this replica stays ready', async () => {
  const { clock, model, roster, own } = await start();
  await clock.advance(15_000);
  model.data = undefined;
  await clock.advance(5_000);
  expect([own(), roster.isSeen()]).toEqual([['AAAA'], true]);
  model.data = { 'broker-a': entryOf('uid-x') };
  await clock.advance(5_000);
  expect(own()).toEqual(['AAAA']);
});

it('attack: what others wrote into the ConfigMap is written back whole, and every request can be ended', async () => {
  const { transport } = await start();
  expect(transport.requests.map(({ method }) => method)).toEqual(['GET', 'PUT']);
  expect(transport.requests[0]).toMatchObject({ signal: expect.any(AbortSignal) });
  expect(transport.requests[1]).toMatchObject({ signal: expect.any(AbortSignal) });
});

it('writes nothing while the entry is there', async () => {
  const { clock, model, transport } = await start();
  await clock.advance(9 * 60_000);
  expect(model.version).toBe(2);
  expect(transport.requests.filter(({ method }) => method !== 'GET')).toHaveLength(1);
});

it('removes the entries of pods that are gone, or whose name another pod has now, and no others', async () => {
  const names = ['alive', 'gone', 'replaced'];
  const data = {
    ...Object.fromEntries(names.map((name) => [name, entryOf(`uid-${name}`)])),
    'unread-alive': '{"of":"a later version"}',
    'unread-gone': 'x',
  };
  const pods = [
    ['alive', 'uid-alive'],
    ['replaced', 'uid-of-another'],
    ['unread-alive', 'uid'],
  ] as const;
  const { clock, model } = await start(data, { pods });
  const left = () => Object.keys(model.data ?? {}).sort();
  expect(left()).toEqual(['alive', 'broker-a', 'unread-alive']);
  model.pods.delete('alive');
  await clock.advance(60_000);
  expect(left()).toEqual(['broker-a', 'unread-alive']);
});

it.each([
  ['was evicted', 'ended'],
  ['is being deleted, with its node lost', 'deleted'],
] as const)('removes the entry of a pod that %s, whose object stays', async (_, how) => {
  const { clock, model } = await start({ other: entryOf('uid-other') }, { pods: [['other', 'uid-other']] });
  expect(Object.keys(model.data ?? {}).sort()).toEqual(['broker-a', 'other']);
  model[how].add('other');
  await clock.advance(60_000);
  expect(Object.keys(model.data ?? {})).toEqual(['broker-a']);
});

it('removes no entry because the API server does not respond', async () => {
  const { clock, model } = await start({ other: entryOf('uid-other') }, { pods: [['other', 'uid-other']] });
  model.failure = new KubeError('unavailable', 'away', { status: 503 });
  await clock.advance(5 * 60_000);
  model.failure = undefined;
  await clock.advance(60_000);
  expect(Object.keys(model.data ?? {}).sort()).toEqual(['broker-a', 'other']);
});

it.each([
  ['an entry of 1 MiB', { junk: 'x'.repeat(1024 * 1024) }],
  [
    '10,000 entries',
    Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`p-${at}`, entryOf('u')])),
  ],
])('attack: %s, which agents do not read, are removed', async (_, data) => {
  const { model, own } = await start(data);
  expect(own()).toEqual(['AAAA']);
  expect(Object.keys(model.data ?? {})).toEqual(['broker-a']);
});

it('attack: an entry stays while nobody may read its pod', async () => {
  const { clock, model } = await start({ other: entryOf('uid-other') }, { pods: [['other', 'uid-other']] });
  model.hidden = new KubeError('denied', 'no right', { status: 403 });
  await clock.advance(3 * 60_000);
  expect(Object.keys(model.data ?? {}).sort()).toEqual(['broker-a', 'other']);
});

it('looks once a minute which pods are gone, of at most 32 entries', async () => {
  const { clock, transport } = await start();
  await clock.advance(3 * 60_000);
  const ofPods = () => transport.requests.filter(({ path }) => path.includes('/pods/'));
  // From the second look on, its own entry is there.
  expect(ofPods()).toHaveLength(3);

  const many = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`p-${at}`, 'x']));
  const flooded = await start(many);
  expect(flooded.transport.requests.filter(({ path }) => path.includes('/pods/'))).toHaveLength(32);
});

it('a look at a pod that gets no response is ended with the replica', async () => {
  const { clock, transport } = await start();
  await clock.advance(60_000);
  const look = transport.requests.find(({ path }) => path.includes('/pods/'));
  expect(look).toMatchObject({ signal: expect.any(AbortSignal) });
});

it('logs each failure and tries again, later each time, but within 5 seconds; then looks every 5 seconds', async () => {
  const { clock, model, transport, lines } = await start(
    {},
    { failure: new KubeError('denied', 'no right', { status: 403 }) },
  );
  await clock.advance(60_000);
  expect(lines.length).toBeGreaterThan(12);
  expect(lines.length).toBeLessThan(20);
  model.failure = undefined;
  await clock.advance(5_000);
  expect(Object.keys(model.data ?? {})).toEqual(['broker-a']);
  const before = transport.requests.length;
  const told = lines.length;
  await clock.advance(50_000);
  expect(lines).toHaveLength(told);
  expect(transport.requests.filter(({ path }, index) => index >= before && path === mapPath)).toHaveLength(
    10,
  );
  // After a success the first pause is short again.
  model.failure = new KubeError('unavailable', 'away', { status: 503 });
  await clock.advance(5_000);
  expect(lines.length).toBeGreaterThan(told + 1);
});

it('logs nothing about a request that its end breaks off', async () => {
  const { clock, model, lines, run, stop } = await start();
  model.failure = new KubeError('aborted', 'ended');
  await clock.advance(5_000);
  stop.abort();
  await clock.advance(3_000);
  await run;
  expect(lines).toEqual([]);
});

it('a replica of the product has a certificate for 30 days and keeps it for the first hours', async () => {
  const { clock, model, options } = await start();
  const roster = await createRoster(options);
  expect(roster.first.certificate).toContain('BEGIN CERTIFICATE');
  const stop = new AbortController();
  stops.push(stop);
  void roster.run(stop.signal);
  await clock.advance(61 * 60_000);
  expect(readEntries(model.data).get('broker-a')?.certificates).toEqual([roster.first.certificate]);
});

it('renews in time: agents know both certificates before the listener presents the next one', async () => {
  const { clock, own, renewed } = await start();
  await clock.advance(renewMs);
  expect([own(), renewed]).toEqual([['BBBB', 'AAAA'], []]);
  await clock.advance(14_999);
  expect([own(), renewed]).toEqual([['BBBB', 'AAAA'], []]);
  await clock.advance(1);
  expect(renewed).toEqual(['BBBB']);
  await clock.advance(5_000);
  expect(own()).toEqual(['BBBB']);
});

it('a write whose response is lost counts from when it is seen', async () => {
  const { clock, model, renewed, own, roster } = await start(undefined, { isResponseLost: true });
  expect(own()).toEqual(['AAAA']);
  model.isResponseLost = false;
  await clock.advance(20_000);
  expect(roster.isSeen()).toBe(true);
  await clock.advance(renewMs - 21_000);
  model.isResponseLost = true;
  await clock.advance(5_000);
  model.isResponseLost = false;
  expect([own(), renewed]).toEqual([['BBBB', 'AAAA'], []]);
  await clock.advance(10_000);
  expect(renewed).toEqual([]);
  await clock.advance(10_000);
  expect(renewed).toEqual(['BBBB']);
});

it('attack: a wipe during a renewal begins the wait again', async () => {
  const { clock, model, own, renewed } = await start();
  await clock.advance(renewMs + 10_000);
  model.data = {};
  await clock.advance(14_999);
  expect([own(), renewed]).toEqual([['BBBB', 'AAAA'], []]);
  await clock.advance(5_001);
  expect(renewed).toEqual(['BBBB']);
});

it('removes its entry at the end, and resolves also if it cannot', async () => {
  const { clock, model, run, stop } = await start({ other: entryOf('u') }, { pods: [['other', 'u']] });
  stop.abort();
  await clock.advance(0);
  await run;
  expect(Object.keys(model.data ?? {})).toEqual(['other']);

  const silent = await start();
  silent.model.isSilent = true;
  silent.stop.abort();
  await silent.clock.advance(3_000);
  await silent.run;
  expect([clock.pending, silent.clock.pending]).toEqual([0, 0]);

  const away = await start();
  away.model.failure = new KubeError('unavailable', 'away', { status: 503 });
  away.stop.abort();
  await away.clock.advance(3_000);
  await expect(away.run).resolves.toBeUndefined();
});
