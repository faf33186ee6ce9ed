import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressOf, assignedPod, startStage, vaultResource, type Nmi, type Stage } from './harness.ts';

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
});

describe('refusals', () => {
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
});

describe('item 12: nothing but plain reads of machine metadata reaches the real service', () => {
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
