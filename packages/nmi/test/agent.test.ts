import { once } from 'node:events';
import { connect } from 'node:net';
import { systemClock } from '@pod-identity/kit/serve';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addressOf,
  assignedPod,
  startStage,
  tokenPath,
  usualPause,
  vaultResource,
  type Nmi,
  type Stage,
} from './harness.ts';

let stage: Stage;
let nmi: Nmi;
beforeAll(async () => {
  stage = await startStage();
  nmi = await stage.nmi(['--hold=8s']);
});
afterAll(() => stage.stop());

const assigned = (name: string) => assignedPod(stage, name);

describe('a pod with an assigned identity', () => {
  it('E1 gets its token by client id, by resource id, by object id and without selector', async () => {
    const { identity, from } = await assigned('one');
    const { clientId, resourceId, principalId } = identity;
    for (const selector of [
      '',
      `&client_id=${clientId.toUpperCase()}`,
      `&msi_res_id=${resourceId.toUpperCase()}`,
      `&object_id=${principalId}`,
    ]) {
      const { status, body, headers } = await nmi.send({ from, query: vaultResource + selector });
      expect([selector, status, body['client_id']]).toEqual([selector, 200, clientId]);
      expect(headers['content-length']).toBeDefined();
    }
  });

  it('item 27: 64 callers at once make one IMDS call', async () => {
    const { from } = await assigned('burst');
    const before = stage.imdsCalls();
    const answers = await Promise.all(Array.from({ length: 64 }, () => nmi.send({ from })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => body['access_token'])).size).toBe(1);
    expect(stage.imdsCalls() - before).toBe(1);
  });

  it('is told by the socket, not by headers: another pod’s address in them changes nothing', async () => {
    const mine = await assigned('mine');
    const theirs = await assigned('theirs');
    const { body } = await nmi.send({
      from: mine.from,
      headers: { Metadata: 'true', 'X-Real-IP': theirs.from, Forwarded: `for=${theirs.from}` },
    });
    expect(body['client_id']).toBe(mine.identity.clientId);
    const asked = await nmi.send({
      from: mine.from,
      query: `${vaultResource}&client_id=${theirs.identity.clientId}`,
    });
    expect(asked).toMatchObject({
      status: 400,
      body: {
        error: expect.stringMatching(/^invalid_request: Identity not found/) as string,
        error_description: expect.stringContaining('Identity not found') as string,
      },
    });
    expect(asked.text).not.toContain('theirs');
  });

  it('the path that MSAL builds works', async () => {
    const { from, identity } = await assigned('msal');
    const { status, body } = await nmi.send({
      from,
      path: `/${tokenPath}/`,
      query: `api-version=2018-02-01&${vaultResource}`,
    });
    expect([status, body['client_id']]).toEqual([200, identity.clientId]);
  });
});

describe('an identity that is not assigned yet', () => {
  it('is waited for, and the answer comes with the assignment', async () => {
    const identity = await stage.bound('late');
    const from = addressOf(await stage.cluster.pod({ name: 'late-pod', label: 'late' }));
    const answer = nmi.send({ from });
    await stage.record({ pod: 'late-pod', identity: 'late', state: 'Created' });
    stage.attach(identity);
    await stage.record({ pod: 'late-pod', identity: 'late', state: 'Assigned' });
    await expect(answer).resolves.toMatchObject({ status: 200, body: { client_id: identity.clientId } });
  });

  it('503 with the reason when nobody assigns it in time', async () => {
    const hasty = await stage.nmi(['--hold=100ms']);
    await stage.bound('never');
    const from = addressOf(await stage.cluster.pod({ name: 'never-pod', label: 'never' }));
    const { status, headers } = await hasty.send({ from });
    expect([status, headers['retry-after']]).toEqual([503, expect.stringMatching(usualPause)]);
    const reason = async () => String((await hasty.send({ from })).body['error_description']);
    // On a busy machine the first request may end while its pod is being confirmed.
    await expect.poll(reason).toMatch(/is not assigned to its node yet.*MIC/s);
    const why = await reason();
    // Whatever a record says, which others than MIC may write.
    for (const state of ['Created', 'Assigned'] as const) {
      await stage.record({ pod: 'never-pod', identity: 'never', state });
      await expect.poll(reason).toBe(why);
    }
  });

  it('is not waited for by a client that has closed its half (nc -N): it is told why within a second, and its place is free', async () => {
    const identity = await stage.bound('half-closed');
    const from = addressOf(await stage.cluster.pod({ name: 'half-closed-pod', label: 'half-closed' }));
    await stage.record({ pod: 'half-closed-pod', identity: 'half-closed', state: 'Created' });
    const socket = connect({ host: '127.0.0.1', port: nmi.port, localAddress: from, allowHalfOpen: true });
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => (text += part));
    const target = `${tokenPath}?${vaultResource}&client_id=${identity.clientId}`;
    socket.write(`GET ${target} HTTP/1.1\r\nMetadata: true\r\n\r\n`);
    await expect.poll(async () => [await nmi.waitingCallers(), text]).toEqual([1, '']);
    const ended = once(socket, 'end');
    socket.end();
    await ended;
    expect(text).toMatch(/^HTTP\/1.1 503 /);
    expect(text).toContain('half-closed');
    expect(await nmi.waitingCallers()).toBe(0);
  });

  it('item 10: MIC is away, but the machine carries the identity: the pod gets its token', async () => {
    const hasty = await stage.nmi(['--hold=100ms']);
    const identity = await stage.bound('carried');
    stage.attach(identity);
    const from = addressOf(await stage.cluster.pod({ name: 'carried-pod', label: 'carried' }));
    await expect(hasty.send({ from })).resolves.toMatchObject({
      status: 200,
      body: { client_id: identity.clientId },
    });
  });

  it('item 1: a second pod on the node need not wait for a record of its own', async () => {
    const { identity } = await assigned('shared');
    const from = addressOf(await stage.cluster.pod({ name: 'shared-2', label: 'shared' }));
    await expect(nmi.send({ from })).resolves.toMatchObject({
      status: 200,
      body: { client_id: identity.clientId },
    });
  });
});

describe('refusals', () => {
  it('a pod without label is told at once what it lacks', async () => {
    const from = addressOf(await stage.cluster.pod({ name: 'bare' }));
    const { status, body } = await nmi.send({ from });
    expect(status).toBe(400);
    expect(body['error_description']).toMatch(
      /^Identity not found\. Pod default\/bare has no label aadpodidbinding/,
    );
  });

  it('W-S15: an AzureIdentity with the client id of another identity gets nothing', async () => {
    const victim = await assigned('victim');
    const { from, identity } = await assigned('thief');
    const path = '/apis/aadpodidentity.k8s.io/v1/namespaces/default/azureidentities/thief';
    await stage.cluster.client.request('PATCH', path, { spec: { clientID: victim.identity.clientId } });
    await expect
      .poll(
        async () =>
          (await nmi.send({ from, query: `${vaultResource}&client_id=${victim.identity.clientId}` })).body[
            'error_description'
          ],
      )
      .toContain('spec.clientID');
    const plain = await nmi.send({ from });
    expect(plain).toMatchObject({ status: 400 });
    expect(plain.text).not.toContain(identity.clientId);
  });

  it('a namespace of its own: identities marked namespaced stay there', async () => {
    await stage.bound('private', { annotations: { 'aadpodidentity.k8s.io/Behavior': 'namespaced' } });
    const from = addressOf(await stage.cluster.pod({ name: 'shopper', namespace: 'shop', label: 'private' }));
    const { status, body } = await nmi.send({ from });
    expect([status, body['error_description']]).toEqual([400, expect.stringContaining('another namespace')]);
  });

  it('an unknown address is held, then told so', async () => {
    const hasty = await stage.nmi(['--caller-hold=50ms']);
    await expect(hasty.send({ from: '127.0.200.200' })).resolves.toMatchObject({
      status: 503,
      headers: { 'retry-after': expect.stringMatching(usualPause) as string },
    });
  });

  it('item 13: two live pods with one address get nothing, the newer one alone gets its own', async () => {
    const { identity } = await assigned('heir');
    await stage.bound('dead');
    const ip = '127.0.1.250';
    await stage.cluster.pod({ name: 'dead-pod', label: 'dead', ip });
    await stage.cluster.pod({ name: 'heir-2', label: 'heir', ip });
    await expect
      .poll(async () => (await nmi.send({ from: ip })).body['error_description'])
      .toContain('More than one pod');
    await stage.cluster.client.request('PATCH', '/api/v1/namespaces/default/pods/dead-pod/status', {
      status: { phase: 'Succeeded' },
    });
    await expect.poll(async () => (await nmi.send({ from: ip })).body['client_id']).toBe(identity.clientId);
  });

  it('a right ends with its binding, though the token is in memory and the record still there', async () => {
    const { from } = await assigned('ending');
    await nmi.send({ from });
    await stage.cluster.client.request(
      'DELETE',
      '/apis/aadpodidentity.k8s.io/v1/namespaces/default/azureidentitybindings/ending-binding',
    );
    await expect.poll(async () => (await nmi.send({ from })).status).toBe(400);
  });
});

describe('item 12: nothing but plain reads of machine metadata reaches the real service', () => {
  const paths = [
    `/metadata/identity\\oauth2\\token`,
    '/metadata/identity/oauth2/TOKENS',
    '/metadata/Identity/info',
    '/metadata/identity/issuecredential',
    '/metadata/instance/../identity/oauth2/token',
    '/metadata/instance/%2e%2e/identity/oauth2/token',
    '/metadata%2fidentity/oauth2/token',
    '/metadata/;/identity/oauth2/token',
    'http://169.254.169.254/metadata/identity/oauth2/token',
    '/latest/meta-data/iam/security-credentials',
  ];
  it.each(paths)('%s', async (path) => {
    const from = addressOf(await stage.cluster.pod({ name: `fuzz-${paths.indexOf(path)}` }));
    const mark = stage.sim.azure.journal.mark();
    const { status } = await nmi.send({ from, path });
    expect([400, 404]).toContain(status);
    expect(stage.sim.azure.journal.count({ service: 'imds', since: mark })).toBe(0);
  });

  it('E20 instance metadata passes by default, without what the caller added; other families do not', async () => {
    const from = addressOf(await stage.cluster.pod({ name: 'curious' }));
    const mark = stage.sim.azure.journal.mark();
    const answer = await nmi.send({ from, path: '//Metadata/instance', query: 'api-version=2021-02-01' });
    const [entry] = stage.sim.azure.journal.entries({ service: 'imds', since: mark });
    expect(entry).toMatchObject({
      path: '/metadata/instance',
      query: 'api-version=2021-02-01',
      status: answer.status,
    });
    await expect(nmi.send({ from, path: '/metadata/attested/document' })).resolves.toMatchObject({
      status: 403,
    });
    const blocking = await stage.nmi(['--block-instance-metadata']);
    await expect(blocking.send({ from, path: '/metadata/instance' })).resolves.toMatchObject({ status: 403 });
    await expect(nmi.send({ from, path: '/metadata/instance', headers: {} })).resolves.toMatchObject({
      status: 400,
    });
  });
});

describe('the node itself', () => {
  it('CSI: a process on the loopback gets the token of the pod that it names', async () => {
    const open = await stage.nmi(['--enable-host-token']);
    const { identity } = await assigned('csi');
    const headers = { podname: 'csi-pod', podns: 'default' };
    const answer = await open.send({ from: '127.0.0.1', path: '/host/token/', headers });
    expect(answer).toMatchObject({
      status: 200,
      body: { token: { token_type: 'Bearer' }, clientid: identity.clientId },
    });
    stage.sim.kube.stallWatches(true);
    await stage.cluster.pod({ name: 'csi-young', label: 'csi', phase: 'Pending' });
    const young = { podname: 'csi-young', podns: 'default' };
    await expect(
      open.send({ from: '127.0.0.1', path: '/host/token/', headers: young }),
    ).resolves.toMatchObject({
      status: 200,
      body: { clientid: identity.clientId },
    });
    stage.sim.kube.stallWatches(false);
    const from = addressOf(await stage.cluster.pod({ name: 'csi-thief' }));
    await expect(open.send({ from, path: '/host/token/', headers })).resolves.toMatchObject({ status: 400 });
  });

  it('W-S7 unless that is switched on, there is no such path', async () => {
    await assigned('csi-off');
    const headers = { podname: 'csi-off-pod', podns: 'default' };
    await expect(nmi.send({ from: '127.0.0.1', path: '/host/token/', headers })).resolves.toMatchObject({
      status: 404,
    });
  });
});

describe('exceptions', () => {
  it('E18 an exempt pod deals with the identities of the machine', async () => {
    const { identity } = await assigned('machines');
    await stage.cluster.exception({ name: 'cni', podLabels: { app: 'cni' } });
    const from = addressOf(await stage.cluster.pod({ name: 'cni', labels: { app: 'cni' } }));
    await expect
      .poll(
        async () =>
          (await nmi.send({ from, query: `${vaultResource}&client_id=${identity.clientId}` })).body[
            'client_id'
          ],
      )
      .toBe(identity.clientId);
    const unselected = await nmi.send({ from });
    expect(unselected).toMatchObject({
      status: 400,
      body: { error_description: expect.stringContaining('Multiple user assigned') as string },
    });
  });
});

describe('when things are away', () => {
  it('item 29: a probe is answered at once while the API server is not there, a request is told that the agent starts', async () => {
    stage.sim.kube.pause();
    const young = await stage.nmi(['--hold=100ms']);
    const from = '127.0.1.10';
    await expect(young.send({ from, query: '', headers: {} })).resolves.toMatchObject({ status: 400 });
    await expect(young.send({ from })).resolves.toMatchObject({
      status: 503,
      body: { error_description: expect.stringContaining('just started') as string },
    });
    stage.sim.kube.resume();
  });

  it('a restarted agent serves again without anybody’s help', async () => {
    const { from, identity } = await assigned('again');
    const first = await stage.nmi();
    await first.send({ from });
    await first.stop();
    const second = await stage.nmi();
    await expect(second.send({ from })).resolves.toMatchObject({
      status: 200,
      body: { client_id: identity.clientId },
    });
  });

  it('item 14: a pod that the half-open watch does not show is found all the same', async () => {
    const { identity } = await assigned('half-open');
    await nmi.agent.readiness.whenReady({
      deadline: systemClock.elapsed() + 60_000,
      caller: { gone: new AbortController().signal },
    });
    stage.sim.kube.stallWatches(true);
    const from = addressOf(await stage.cluster.pod({ name: 'half-open-2', label: 'half-open' }));
    await expect(nmi.send({ from })).resolves.toMatchObject({
      status: 200,
      body: { client_id: identity.clientId },
    });
    stage.sim.kube.stallWatches(false);
  });

  it('the API server is away: known pods go on', async () => {
    const { from } = await assigned('outage');
    await nmi.send({ from });
    stage.sim.kube.pause();
    await expect(nmi.send({ from, query: `${vaultResource}&bypass_cache=true` })).resolves.toMatchObject({
      status: 200,
    });
    stage.sim.kube.resume();
  });

  it('IMDS says 429, 410 or 500: told as what it is, with when to come again', async () => {
    const { from } = await assigned('troubled');
    for (const [said, answered] of [
      [429, 429],
      [410, 410],
      [500, 500],
      [502, 502],
    ] as const) {
      const fault = stage.sim.azure.faults.add({
        match: { service: 'imds' },
        times: 1,
        then: { status: said, headers: { 'retry-after': '7' }, body: {} },
      });
      // One resource for each: for the time that the service asks for, nothing else is asked for the same one.
      const { status, headers } = await nmi.send({ from, query: `resource=api://after-${said}` });
      expect([said, status, headers['retry-after']]).toEqual([said, answered, '7']);
      fault.remove();
    }
  });
});

it('no token is in any log line', async () => {
  const { from } = await assigned('secretive');
  const { body } = await nmi.send({ from });
  expect(nmi.lines.length).toBeGreaterThan(0);
  expect(nmi.lines.join('\n')).not.toContain(String(body['access_token']).split('.')[2]);
});
