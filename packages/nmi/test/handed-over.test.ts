// Attacks on the time between a network's giving an address to another pod and the API server's saying so. Over real sockets of
// the loopback interface, of whose addresses the kernel says nothing; what it says elsewhere is told to the agent by a test’s own table.
import { createFakeClock } from '@pod-identity/kit/testing';
import { systemClock } from '@pod-identity/kit/serve';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Clock } from '@pod-identity/kit/core';
import { addressOf, startStage, usualPause, type Nmi, type NodeFacts, type Stage } from './harness.ts';

const names = [
  ...['ending', 'kept', 'kept-heir', 'idle', 'idle-heir', 'one', 'two', 'booted', 'fresh-boot'],
  ...['busy', 'busy-heir', 'slow', 'slow-heir', 'back', 'back-heir', 'stranded', 'stranded-heir'],
  ...['between', 'between-heir', 'held-heir', 'seen'],
] as const;

let stage: Stage;
const clientIds = new Map<string, string>();
beforeAll(async () => {
  stage = await startStage();
  for (const name of names) {
    const identity = await stage.bound(name);
    stage.attach(identity);
    await stage.record({ pod: 'another', identity: name, state: 'Assigned' });
    clientIds.set(name, identity.clientId);
  }
});
afterEach(async () => {
  stage.sim.kube.stallWatches(false);
  stage.sim.kube.faults.clear();
  await stage.sim.kube.startListening();
});
afterAll(() => stage.stop());

const started = async (argv: readonly string[] = [], ...node: [Clock?, NodeFacts?]) => {
  const nmi = await stage.nmi(['--pod-requests-per-second=0', '--caller-hold=0s', ...argv], ...node);
  const caller = { gone: new AbortController().signal };
  await nmi.agent.readiness.whenReady({ deadline: systemClock.elapsed() + 60_000, caller });
  return nmi;
};
const tokenOf = (name: string) => ({ status: 200, body: { client_id: clientIds.get(name) } });
const podPath = (name: string) => `/api/v1/namespaces/default/pods/${name}`;
const remove = (name: string) => stage.cluster.client.request('DELETE', podPath(name));
const end = async (name: string) => {
  const metadata = { finalizers: ['test.local/containers-live'] };
  await stage.cluster.client.request('PATCH', podPath(name), { metadata });
  await remove(name);
};
const runs = async (name: string, ip?: string) =>
  addressOf(await stage.cluster.pod({ name, label: name, ...(ip === undefined ? {} : { ip }) }));
/** Its kubelet has made its network, and has not yet said which address it got. */
const startsSilently = async (name: string, spec: object = {}) => {
  const metadata = { name, namespace: 'default', labels: { aadpodidbinding: name } };
  const containers = [{ name: 'main', image: 'local.test/app:1' }];
  const { name: nodeName = '' } = stage.cluster.nodes[0] ?? {};
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName, containers, ...spec } };
  await stage.cluster.client.request('POST', '/api/v1/namespaces/default/pods', pod);
};
const alone = (nmi: Nmi, from: string) => nmi.send({ from, isAlone: true });
/** A fault of NMI's questions; its watches and everybody else's requests go on. */
const questionsEnd = (then: object) =>
  stage.sim.kube.faults.add({
    match: { service: 'kube', method: 'GET', path: /\/pods(\/[^/]+)?$/, query: /^(?!.*watch).*$/ },
    then: then as never,
  });

describe('(a) a pod ends, and its address may be another one’s whose status has none yet', () => {
  it('a new connection gets no token while some other pod of the node has no address; then it does again', async () => {
    const nmi = await started();
    const from = await runs('ending');
    await expect(alone(nmi, from)).resolves.toMatchObject(tokenOf('ending'));
    await end('ending');
    await startsSilently('nameless');
    await expect.poll(async () => (await alone(nmi, from)).status).toBe(503);
    expect((await alone(nmi, from)).headers['retry-after']).toMatch(usualPause);
    await remove('nameless');
    // What was found of the address is good for a second.
    await expect.poll(async () => (await alone(nmi, from)).status).toBe(200);
  });

  it('a new connection gets a token all the same while the kernel shows that its containers run', async () => {
    const kernel: { shows: 'running' | 'none' } = { shows: 'running' };
    const nmi = await started(['--pod-check-age=0s'], undefined, {
      containers: { of: () => kernel.shows },
    });
    const from = await runs('seen');
    await expect(alone(nmi, from)).resolves.toMatchObject(tokenOf('seen'));
    await end('seen');
    await startsSilently('volume-missing');
    for (let n = 0; n < 15; n += 1) await expect(alone(nmi, from)).resolves.toMatchObject(tokenOf('seen'));
    kernel.shows = 'none';
    await expect(alone(nmi, from)).resolves.toMatchObject({ status: 503 });
    await remove('volume-missing');
  });

  it('its connection from before it began to end goes on, and pods of the host network do not matter', async () => {
    const nmi = await started();
    const from = await runs('one');
    await expect(nmi.send({ from })).resolves.toMatchObject(tokenOf('one'));
    await end('one');
    await startsSilently('on-host', { hostNetwork: true });
    await expect.poll(async () => (await alone(nmi, from)).status).toBe(200);
    await startsSilently('nameless-too');
    await expect.poll(async () => (await alone(nmi, from)).status).toBe(503);
    await expect(nmi.send({ from })).resolves.toMatchObject(tokenOf('one'));
    await remove('nameless-too');
  });
});

describe('(b) an open connection', () => {
  it('belongs to the pod that it was confirmed for: it ends when the address is another one’s', async () => {
    const nmi = await started();
    const from = await runs('kept');
    await expect(nmi.send({ from })).resolves.toMatchObject(tokenOf('kept'));
    await remove('kept');
    await runs('kept-heir', from);
    await expect
      .poll(async () => (await alone(nmi, from)).body['client_id'])
      .toBe(clientIds.get('kept-heir'));
    const answer = await nmi.send({ from });
    expect(answer).toMatchObject({ status: 503, headers: { connection: 'close' } });
    await expect(nmi.send({ from })).resolves.toMatchObject(tokenOf('kept-heir'));
  });

  it('on which a call is held gets no token when the address is another pod’s by the time of the assignment', async () => {
    const clock = createFakeClock(Date.now());
    const nmi = await started([], clock);
    const identity = await stage.bound('held');
    const from = await runs('held');
    const answer = alone(nmi, from);
    await expect.poll(() => nmi.waitingCallers(), { message: 'calls that are held' }).toBe(1);
    await expect.poll(() => nmi.failedImdsCalls()).toBe(1);
    await remove('held');
    await runs('held-heir', from);
    await expect
      .poll(async () => (await alone(nmi, from)).body['client_id'])
      .toBe(clientIds.get('held-heir'));
    stage.attach(identity);
    await stage.record({ pod: 'held', identity: 'held', state: 'Assigned' });
    await expect(answer).resolves.toMatchObject({ status: 503 });
  });
});

describe('a kernel that says something of addresses', () => {
  it('(a) (b) another entry and no containers: the pod that ends gets no token over a new connection, and its old one is closed', async () => {
    const said = { entry: '66:12:9c:01:2e:77 cali1 9', containers: 'running' as 'running' | 'none' };
    const kernel = { neighbours: { of: () => said.entry }, containers: { of: () => said.containers } };
    const nmi = await started(['--pod-check-age=0s'], undefined, kernel);
    const from = await runs('idle');
    await expect(nmi.send({ from })).resolves.toMatchObject(tokenOf('idle'));
    await end('idle');
    await expect(alone(nmi, from)).resolves.toMatchObject(tokenOf('idle'));
    Object.assign(said, { entry: '66:12:9c:01:2e:78 cali2 10', containers: 'none' });
    await expect(alone(nmi, from)).resolves.toMatchObject({ status: 503 });
    await expect(nmi.send({ from })).resolves.toMatchObject({
      status: 503,
      headers: { connection: 'close' },
    });
  });
});

describe('(c) one unanswered question', () => {
  it('after a LIST without answer the next address is asked after all the same', async () => {
    const nmi = await started(['--pod-check-age=0s']);
    const from = await runs('two');
    await expect(alone(nmi, from)).resolves.toMatchObject(tokenOf('two'));
    stage.sim.kube.stallWatches(true);
    const fault = stage.sim.kube.faults.add({
      match: { service: 'kube', method: 'GET', path: /^\/api\/v1\/pods$/, query: /^(?!.*watch).*$/ },
      then: { drop: true },
    });
    await alone(nmi, '127.0.9.9');
    expect(fault.fired).toBeGreaterThan(0);
    fault.remove();
    await remove('two');
    await expect(alone(nmi, from)).resolves.toMatchObject({ status: 503 });
  });
});

describe('(d) after a reboot', () => {
  const startedAt = '2026-03-01T00:00:00Z';
  const says = (name: string, time: string) =>
    stage.cluster.client.request('PATCH', `${podPath(name)}/status`, {
      status: { containerStatuses: [{ name: 'main', state: { running: { startedAt: time } } }] },
    });

  it('an address in a status from before it is nobody’s; one in a status from after it is believed', async () => {
    const from = await runs('booted');
    await says('booted', startedAt);
    const bootedAt = Date.parse(startedAt) + 60_000;
    const nmi = await started([], undefined, { bootedAt });
    await expect(alone(nmi, from)).resolves.toMatchObject({ status: 503 });
    await says('booted', new Date(bootedAt + 5_000).toISOString());
    await expect.poll(async () => (await alone(nmi, from)).status).toBe(200);
  });
});

describe('the API server answers kubelets, and not NMI', () => {
  const passes = async (name: string, heir: string, then: object) => {
    const nmi = await started(['--pod-check-age=0s']);
    const from = await runs(name);
    await expect(alone(nmi, from)).resolves.toMatchObject(tokenOf(name));
    stage.sim.kube.stallWatches(true);
    await remove(name);
    await runs(heir, from);
    const fault = questionsEnd(then);
    for (let n = 0; n < 3; n += 1) await expect(alone(nmi, from)).resolves.toMatchObject({ status: 503 });
    expect(fault.fired).toBeGreaterThan(0);
    fault.remove();
    return { nmi, from };
  };

  it.each([
    ['busy', 429],
    ['slow', 503],
  ])(
    '%s: %i is an answer: the new pod of an address does not get the token of the old one',
    async (name, status) => {
      const { nmi, from } = await passes(name, `${name}-heir`, { status, headers: { 'retry-after': '1' } });
      await expect
        .poll(async () => (await alone(nmi, from)).body['client_id'])
        .toBe(clientIds.get(`${name}-heir`));
    },
  );

  it('when it is back, the first success ends the outage for every address', async () => {
    const nmi = await started(['--pod-check-age=0s']);
    const from = await runs('back');
    await expect(alone(nmi, from)).resolves.toMatchObject(tokenOf('back'));
    stage.sim.kube.stallWatches(true);
    await stage.sim.kube.stopListening();
    await expect(alone(nmi, from)).resolves.toMatchObject(tokenOf('back'));
    await stage.sim.kube.startListening();
    await remove('back');
    await runs('back-heir', from);
    // Any question that is answered, of whatever pod.
    await alone(nmi, '127.0.9.8');
    await expect(alone(nmi, from)).resolves.toMatchObject(tokenOf('back-heir'));
  });
});

describe('a watch that delivers nothing any more, with --pod-check-age=0s', () => {
  it('the new pod of an address gets its own token or none, before and after its status has the address, never that of the old pod', async () => {
    const nmi = await started(['--pod-check-age=0s']);
    const from = await runs('stranded');
    await expect(alone(nmi, from)).resolves.toMatchObject(tokenOf('stranded'));
    stage.sim.kube.stallWatches(true);
    await remove('stranded');
    // The network has given its address to a pod that the API server does not know yet, or whose status has no address.
    await expect(alone(nmi, from)).resolves.toMatchObject({ status: 503 });
    await runs('stranded-heir', from);
    for (let n = 0; n < 3; n += 1)
      await expect(alone(nmi, from)).resolves.toMatchObject(tokenOf('stranded-heir'));
    // The watch tells at last of what was true before: nothing of it is taken for newer.
    stage.sim.kube.stallWatches(false);
    await expect(alone(nmi, from)).resolves.toMatchObject(tokenOf('stranded-heir'));
  });
});

describe('an outage', () => {
  it('after another one: the new pod of an address does not get the token of the old one, of whose end the watch had no time to tell', async () => {
    const nmi = await started(['--pod-check-age=0s']);
    const { kube } = stage.sim;
    const [from, other] = [await runs('between'), await runs('back')];
    await expect(alone(nmi, from)).resolves.toMatchObject(tokenOf('between'));
    await kube.stopListening();
    await expect.poll(async () => (await alone(nmi, from)).body['client_id']).toBe(clientIds.get('between'));
    // The questions of NMI are answered in between, its watch of pods is not opened again.
    kube.faults.add({
      match: { service: 'kube', method: 'GET', path: /\/pods$/, query: /watch/ },
      then: { drop: true },
    });
    await kube.startListening();
    await expect.poll(async () => (await alone(nmi, other)).status).toBe(200);
    await remove('between');
    await runs('between-heir', from);
    await kube.stopListening();
    const answer = await alone(nmi, from);
    expect([answer.status, answer.body['client_id']]).toEqual([503, undefined]);
    kube.faults.clear();
    await kube.startListening();
    await expect
      .poll(async () => (await alone(nmi, from)).body['client_id'])
      .toBe(clientIds.get('between-heir'));
  });
});
