// Faults around the built NMI: the responses to callers, and that others are served.
import type { FaultAction } from '@pod-identity/sim';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { sendRaw, probe } from '../clients/ask.ts';
import { openRecordedPath } from '../clients/recorded-path.ts';
import { clients, type RealClient } from '../clients/real-clients.ts';
import { run } from '../clients/run-client.ts';
import { assign, pendingPod, type Scene } from '../clients/scene.ts';
import { addIdentity, bind } from '../objects.ts';
import { setPodStatus } from '../../stage/cluster.ts';
import { pathOf } from '../../stage/objects.ts';
import { openStage, type Stage, type StageNmi, type StagePod } from '../../stage/stage.ts';

const { identity, msal, olderIdentity } = clients;

let stage: Stage;
let nmi: StageNmi;
/** A pod whose token NMI has in memory. */
let known: Scene;

const ask = (pod: StagePod, more?: string) => sendRaw({ pod, nmi }, more);
const imdsCalls = (query = /./) =>
  stage.sim.azure.journal.count({ service: 'imds', path: /oauth2\/token/, query });

/** A pod whose identity is on the machine, without a request to NMI so far. */
async function assignedPod(name: string): Promise<Scene> {
  const scene = await pendingPod(stage, name);
  await scene.assign();
  return scene;
}

/** A pod with two identities on its machine. */
async function twofold(name: string, annotations: Readonly<Record<string, string>> = {}) {
  const both = [`${name}-a`, `${name}-b`].map((one) => ({ name: one, ...addIdentity(stage, one) }));
  for (const one of both) await bind(stage, { ...one, selector: name });
  const pod = await stage.runPod({ name, node: 0, label: name });
  for (const one of both) await assign(stage, { ...one, pod, selector: name });
  const contentType = 'application/merge-patch+json';
  const path = pathOf({ ...pod.object, namespace: 'default', name });
  await stage.kube.request({ method: 'PATCH', path, body: { metadata: { annotations } }, contentType });
  return { pod, clientIds: both.map(({ clientId }) => clientId) };
}

let chosen: Awaited<ReturnType<typeof twofold>>;
let unchosen: Awaited<ReturnType<typeof twofold>>;

beforeAll(async () => {
  stage = await openStage();
  await stage.install();
  chosen = await twofold('chosen', { 'aadpodidentity.k8s.io/default-identity': 'chosen-b' });
  unchosen = await twofold('unchosen');
  known = await assignedPod('known');
  nmi = await stage.startNmi(0, ['--pod-requests-per-second', '0']);
  expect(await ask(known.pod)).toMatchObject({ status: 200 });
});
afterEach(async () => {
  stage.sim.azure.faults.clear();
  stage.sim.kube.stallWatches(false);
  await stage.sim.kube.startListening();
});
afterAll(() => stage.stop());

/** Retry-After if Azure sent none. */
const usualPause = /^(?:[5-9]|10)$/;

describe('the metadata service', () => {
  test.each<{ what: string; then: FaultAction; told: readonly [number, RegExp] }>([
    { what: 'nothing but 410', then: { status: 410 }, told: [410, /^1[0-5]$/] },
    { what: '429', then: { status: 429, headers: { 'retry-after': '7' } }, told: [429, /^7$/] },
    { what: '410', then: { status: 410, headers: { 'retry-after': '3' } }, told: [410, /^3$/] },
    { what: '500', then: { status: 500 }, told: [500, usualPause] },
    { what: 'garbage', then: { status: 200, body: '<html>busy</html>' }, told: [503, usualPause] },
    { what: 'with a break', then: { drop: true as const }, told: [503, usualPause] },
  ])('answers $what: the caller is told so in JSON, and when to come again', async ({ what, then, told }) => {
    const { pod } = await assignedPod(`imds-${what.replaceAll(' ', '-')}`);
    stage.sim.azure.faults.add({ match: { service: 'imds' }, then });
    const answer = await ask(pod);
    expect([answer.status, answer.retryAfter]).toEqual([told[0], expect.stringMatching(told[1])]);
    expect(Object.keys(answer.body)).toEqual(['error', 'error_description']);
    expect(await ask(known.pod)).toMatchObject({ status: 200 });
  });

  test('never responds: others and probes are served, and the caller gets an error in the end', async () => {
    const { pod } = await assignedPod('imds-never');
    const { journal, faults } = stage.sim.azure;
    const fault = faults.add({ match: { service: 'imds' }, then: { hang: true } });
    const mark = journal.mark();
    const waiting = ask(pod);
    await journal.next({ service: 'imds', since: mark });
    expect(await ask(known.pod)).toMatchObject({ status: 200 });
    expect(await ask(pod, probe)).toMatchObject({ status: 400 });
    expect(await waiting).toMatchObject({
      status: 503,
      retryAfter: expect.stringMatching(usualPause) as string,
    });
    fault.remove();
  });

  const once: readonly (readonly [RealClient, number])[] = [
    [identity, 429],
    [identity, 500],
    [identity, 410],
    [olderIdentity, 429],
    [msal, 429],
    [msal, 503],
  ];
  test.each(once.map(([client, status]) => ({ client, name: client.name, status })))(
    'returns $status once: $name retries and gets the token',
    async ({ client, name, status }) => {
      const nameInAzure = `once-${status}-${name.replaceAll(/\W/g, '')}`;
      const { pod, identity: mine } = await assignedPod(nameInAzure);
      const then = { status, headers: { 'retry-after': '1' } };
      stage.sim.azure.faults.add({ match: { service: 'imds' }, times: 1, then });
      const path = await openRecordedPath({ pod, nmi });
      const answer = await run(client, {}, { url: path.url });
      await path.close();
      expect(answer).toHaveProperty('token');
      // NMI itself responds to retries before the service's Retry-After: the service gets two requests in all.
      expect([path.calls[0]?.status, path.calls.at(-1)?.status]).toEqual([status, 200]);
      expect(imdsCalls(new RegExp(`${nameInAzure}$`, 'i'))).toBe(2);
      expect(await ask(pod)).toMatchObject({ body: { client_id: mine.clientId } });
    },
  );
});

describe('many at once', () => {
  test('item 27: 110 pods that ask for the same token make one call to the metadata service', async () => {
    const { pod: first, identity: mine } = await assignedPod('crowd');
    const pods = [first];
    for (let n = 1; n < 110; n += 1)
      pods.push(await stage.runPod({ name: `crowd-${n}`, node: 0, label: 'crowd' }));
    const before = imdsCalls();
    const answers = await Promise.all(pods.map((pod) => ask(pod)));
    expect(new Set(answers.map(({ status, body }) => `${status} ${String(body['client_id'])}`))).toEqual(
      new Set([`200 ${mine.clientId}`]),
    );
    expect(imdsCalls() - before).toBe(1);
  });

  test('item 27: a caller that reports its token as refused gets no token from memory', async () => {
    const old = await ask(known.pod);
    const before = imdsCalls();
    const fresh = await ask(known.pod, '&token_sha256_to_refresh=ab');
    expect(imdsCalls() - before).toBe(1);
    expect(imdsCalls(/token_sha256_to_refresh/)).toBe(0);
    expect(fresh.status).toBe(200);
    expect(fresh.body['access_token']).not.toBe(old.body['access_token']);
  });
});

describe('item 21: a pod with two identities that names neither', () => {
  test('gets the token of the default that its annotation names', async () => {
    const { pod, clientIds } = chosen;
    expect(await ask(pod)).toMatchObject({ status: 200, body: { client_id: clientIds[1] } });
  });

  test('gets 400 with the possible identities if there is no default', async () => {
    const { pod, clientIds } = unchosen;
    const { status, body } = await ask(pod);
    expect([status, body['error']]).toEqual([
      400,
      expect.stringMatching(/^invalid_request: Identity not found/),
    ]);
    for (const clientId of clientIds) expect(body['error_description']).toContain(clientId);
    expect(await ask(pod, `&client_id=${String(clientIds[0])}`)).toMatchObject({
      status: 200,
      body: { client_id: clientIds[0] },
    });
  });
});

describe('item 22: a pod that is new or short-lived', () => {
  test('E19 gets its token in an init container, while it is Pending', async () => {
    stage.sim.kube.stallWatches(true);
    const pod = await stage.runPod({
      name: 'init',
      node: 0,
      label: 'known',
      object: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'init' },
        spec: {
          initContainers: [{ name: 'first', image: 'local.test/first:1' }],
          containers: [{ name: 'app', image: 'local.test/app:1' }],
        },
      },
    });
    await setPodStatus(stage.kube, pod.object, { phase: 'Pending' });
    expect(await ask(pod)).toMatchObject({ status: 200, body: { client_id: known.identity.clientId } });
  });

  test('gets its token as a job that ends before NMI receives it by watch', async () => {
    stage.sim.kube.stallWatches(true);
    const pod = await stage.runPod({ name: 'job', node: 0, label: 'known' });
    expect(await ask(pod)).toMatchObject({ status: 200, body: { client_id: known.identity.clientId } });
    await stage.finishPod(pod, 'Succeeded');
    await stage.removePod(pod);
  });
});

// Last, because after an outage NMI sends no requests to the API server for a while.
describe('the API server', () => {
  test('item 14: has half-open watches: a pod that starts now is found by a request', async () => {
    stage.sim.kube.stallWatches(true);
    const pod = await stage.runPod({ name: 'unseen', node: 0, label: 'known' });
    expect(await ask(pod)).toMatchObject({ status: 200, body: { client_id: known.identity.clientId } });
  });

  test('is away: pods still get tokens, also those that are not in memory, and probes are served', async () => {
    await stage.sim.kube.stopListening();
    expect(await ask(known.pod)).toMatchObject({ status: 200 });
    expect(await ask(known.pod, '&bypass_cache=true')).toMatchObject({ status: 200 });
    expect(await ask(known.pod, probe)).toMatchObject({ status: 400 });
  });
});
