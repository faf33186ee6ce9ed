// What takes minutes and hours, on a clock that the test moves: outages, half-open connections, a clock that is set.
import { readFile } from 'node:fs/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { createFakeClock } from '@pod-identity/kit/testing';
import type { Clock } from '@pod-identity/kit/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  addressOf,
  passing as passingOn,
  startStage,
  vaultResource,
  type Nmi,
  type Stage,
} from './harness.ts';

// Hours of watches are seconds of work: more on a machine that is busy with other tests.

const hour = 3_600_000;
/** Where hours pass at once the watch has no time to receive anything. */
const patient = ['--pod-check-outage=1000h'];

/** A machine's clock: its timers run evenly, but what it shows can be set. Azure's own clock is right all the time. */
function createSettableClock() {
  const even = createFakeClock(Date.now());
  let ahead = 0;
  const clock: Clock = { ...even, now: () => even.now() + ahead };
  return {
    clock,
    azure: () => even.now(),
    advance: (ms: number) => even.advance(ms),
    setAhead: (ms: number) => (ahead = ms),
  };
}

let time: ReturnType<typeof createSettableClock>;
let stage: Stage;
let nmi: Nmi;
/** Of a pod whose identity is on the machine. */
let from: string;

beforeEach(async () => {
  time = createSettableClock();
  stage = await startStage({ now: time.azure });
  stage.attach(await stage.bound('web'));
  from = addressOf(await stage.cluster.pod({ name: 'web', label: 'web' }));
  await stage.record({ pod: 'web', identity: 'web', state: 'Assigned' });
  nmi = await stage.nmi(['--caller-hold=0s', '--pod-requests-per-second=0', ...patient], time.clock);
  expect(await nmi.send({ from })).toMatchObject({ status: 200 });
});
afterEach(async () => {
  await stage.sim.kube.startListening();
  await stage.stop();
});

const fresh = `${vaultResource}&bypass_cache=true`;
const probe = () => nmi.send({ from, query: '', headers: {}, isAlone: true });

const passing = <T>(promise: Promise<T>, what = 'an answer of NMI') =>
  passingOn(promise, { clock: { now: time.azure, advance: time.advance }, what });

/** Asks from the address until the answer is this identity's token. */
async function untilToken(address: string, clientId: string): Promise<void> {
  for (;;) {
    const { body } = await passing(nmi.send({ from: address }));
    if (body['client_id'] === clientId) return;
    await time.advance(1_000);
  }
}

/** Seconds since each watch last received anything. */
async function watchAges(): Promise<ReadonlyMap<string, number>> {
  const lines = (await nmi.metricsText()).matchAll(
    /^aadpodidentity_nmi_watch_age_seconds\{kind="(\w+)"\} (\S+)$/gm,
  );
  return new Map([...lines].map(([, kind = '', seconds]) => [kind, Number(seconds)]));
}

/** An identity, its binding and a pod for it, all new to the agent. */
async function newcomer(name: string) {
  const identity = await stage.bound(name);
  stage.attach(identity);
  const address = addressOf(await stage.cluster.pod({ name, label: name }));
  await stage.record({ pod: name, identity: name, state: 'Assigned' });
  return { address, clientId: identity.clientId };
}

describe('the API server is away for ten minutes', () => {
  it('pods go on, with tokens from memory and with new ones, and probes are answered', async () => {
    await stage.sim.kube.stopListening();
    for (let minute = 1; minute <= 10; minute += 1) {
      await time.advance(60_000);
      const answers = [
        await nmi.send({ from, isAlone: true }),
        await nmi.send({ from, query: fresh }),
        await probe(),
      ];
      expect([minute, ...answers.map(({ status }) => status)]).toEqual([minute, 200, 200, 400]);
    }
    const complaints = nmi.lines.filter((line) => line.includes('list or watch failed'));
    expect(complaints.length).toBeLessThan(200);
  });

  it('when it is back, what has changed meanwhile is known again', async () => {
    await stage.sim.kube.stopListening();
    await time.advance(600_000);
    await stage.sim.kube.startListening();
    const { address, clientId } = await newcomer('later');
    await untilToken(address, clientId);
  });
});

describe('item 14: watches are half-open', () => {
  const watchedKinds = [
    'pods',
    'azureidentities',
    'azureidentitybindings',
    'azurepodidentityexceptions',
    'azureassignedidentities',
    'namespaces',
  ];

  it('and are opened again after 90 s without data: then changes of that time are known', async () => {
    const { kube } = stage.sim;
    const mark = kube.journal.mark();
    kube.strandWatches();
    const { address, clientId } = await newcomer('unheard');
    expect(await watchAges()).toEqual(new Map(watchedKinds.map((kind) => [kind, 0])));
    // The pod itself is found by asking, but nobody tells of its identity.
    expect(await nmi.send({ from: address })).toMatchObject({ status: 400 });
    await time.advance(80_000);
    expect(await watchAges()).toEqual(new Map(watchedKinds.map((kind) => [kind, 80])));
    await time.advance(10_000);
    await passing(
      kube.journal.next({ since: mark, path: /\/azureidentities$/, query: /watch=true/ }),
      'a watch of identities',
    );
    await untilToken(address, clientId);
  });
});

describe('Microsoft Entra is away', () => {
  const resource = 'https://graph.microsoft.com';
  const query = `resource=${encodeURIComponent(resource)}`;

  /** A pod whose identity is a service principal with a client secret. */
  async function principal() {
    const clientId = '00000000-0000-0000-0000-00000000aaaa';
    const { azure } = stage.sim;
    setDefaultCACertificates([...getCACertificates('default'), await readFile(azure.caFile, 'utf8')]);
    azure.world.addApp({ clientId, secrets: ['s'] });
    const { client } = stage.cluster;
    await client.request('POST', '/api/v1/namespaces/default/secrets', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'password', namespace: 'default' },
      data: { clientSecret: Buffer.from('s').toString('base64') },
    });
    await client.request('POST', '/apis/aadpodidentity.k8s.io/v1/namespaces/default/azureidentities', {
      apiVersion: 'aadpodidentity.k8s.io/v1',
      kind: 'AzureIdentity',
      metadata: { name: 'principal', namespace: 'default' },
      spec: {
        type: 1,
        tenantID: azure.world.defaultTenantId,
        clientID: clientId,
        adEndpoint: azure.entraUrl,
        clientPassword: { name: 'password', namespace: 'default' },
      },
    });
    await stage.cluster.binding({ name: 'principal', identity: 'principal', selector: 'principal' });
    return addressOf(await stage.cluster.pod({ name: 'principal', label: 'principal' }));
  }

  it('when a token is due: the old one is given on as long as it is valid, and the truth is told after that', async () => {
    const address = await principal();
    const { host } = new URL(stage.sim.azure.entraUrl);
    nmi = await stage.nmi([`--authority-allow=${host}`, '--caller-hold=0s', ...patient], time.clock);
    const ask = async () => {
      const { status, body } = await nmi.send({ from: address, query });
      return { status, token: body['access_token'] };
    };
    const first = await ask();
    expect(first.status).toBe(200);
    const fault = stage.sim.azure.faults.add({ match: { service: 'entra' }, then: { drop: true } });
    const since = stage.sim.azure.journal.mark();
    const asked = stage.sim.azure.journal.next({ service: 'entra', since });
    await time.advance(57 * 60_000);
    expect(await ask()).toEqual(first);
    // The old token may be given before the question for a new one has come through.
    await asked;
    await time.advance(3 * 60_000);
    expect(await ask()).toEqual({ status: 503, token: undefined });
    fault.remove();
    await time.advance(60_000);
    const second = await ask();
    expect(second.status).toBe(200);
    expect(second.token).not.toBe(first.token);
  });
});

describe('the clock of the machine is set', () => {
  /** By Azure's clock, which is right: a token that is no good any more must not be handed out. */
  const isGood = async (ask: Parameters<Nmi['send']>[0]) => {
    // Not `passing`: it moves the clock a second for each turn of the event loop, and after 6 s NMI gives up on the API server.
    const { status, body } = await nmi.send(ask);
    if (status !== 200) return [status, body];
    const claims = Buffer.from(String(body['access_token']).split('.')[1] ?? '', 'base64url').toString();
    const { exp } = JSON.parse(claims) as { exp: number };
    return [status, exp * 1000 > time.azure()];
  };

  it.each([3, 24, -3, -24])(
    'by %i hours: tokens go on, and no expired one is handed out ever',
    async (hours) => {
      time.setAhead(hours * hour);
      for (let half = 0; half < 10; half += 1) {
        expect([half, ...(await isGood({ from }))]).toEqual([half, 200, true]);
        await time.advance(hour / 2);
      }
    },
  );

  it.each([3, -3])(
    'by %i hours and back again: no token from between is handed out when it has expired',
    async (hours) => {
      time.setAhead(hours * hour);
      expect(await isGood({ from })).toEqual([200, true]);
      time.setAhead(0);
      for (let half = 0; half < 10; half += 1) {
        expect([half, ...(await isGood({ from }))]).toEqual([half, 200, true]);
        await time.advance(hour / 2);
      }
    },
  );

  it.each([3, -3])(
    'by %i hours: nothing hangs or spins, and callers make no storm at the metadata service',
    async (hours) => {
      time.setAhead(hours * hour);
      const requests = () => stage.sim.kube.journal.count();
      const [calls, questions] = [stage.imdsCalls(), requests()];
      await time.advance(60_000);
      for (let n = 0; n < 50; n += 1) expect((await nmi.send({ from })).status).toBe(200);
      expect(await probe()).toMatchObject({ status: 400 });
      expect(requests() - questions).toBeLessThan(60);
      expect(stage.imdsCalls() - calls).toBeLessThan(3);
    },
  );
});
