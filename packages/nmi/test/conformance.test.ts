// What the original's tests and its end-to-end suite pin down of NMI on a running agent. Where ours
// differs on purpose, the title says what ours does, and docs/administrator/from-the-original.md has a row for it.
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assignedPod, startStage, tokenPath, vaultResource, type Nmi, type Stage } from './harness.ts';

let stage: Stage;
let nmi: Nmi;
let withHostToken: Nmi;
beforeAll(async () => {
  stage = await startStage();
  nmi = await stage.nmi();
  withHostToken = await stage.nmi(['--enable-host-token']);
});
afterAll(() => stage.stop());

const missingHeader =
  '{"error":"invalid_request","error_description":"Required metadata header not specified"}';

const assigned = (name: string) => assignedPod(stage, name);

describe('the original’s unit tests', () => {
  it('C54 no Metadata header while one is required: 400 and exactly this JSON, without the original’s line break', async () => {
    const json = 'application/json; charset=utf-8';
    for (const path of [tokenPath, '/metadata/instance']) {
      const ask = { from: '127.0.0.1', path, headers: {} };
      const ours = await nmi.send(ask);
      expect([ours.status, ours.headers['content-type'], ours.text]).toEqual([400, json, missingHeader]);
    }
  });

  it('C58 the token path with and without slash, in any case; what is disguised is refused, and reaches nobody', async () => {
    const { from, identity: of } = await assigned('routes');
    for (const path of [
      tokenPath,
      `${tokenPath}/`,
      tokenPath.replace('metadata', 'Metadata'),
      tokenPath.toUpperCase(),
    ]) {
      const { status, body } = await nmi.send({ from, path });
      expect([path, status, body['client_id']]).toEqual([path, 200, of.clientId]);
    }
    const mark = stage.sim.azure.journal.mark();
    for (const path of [
      'identity\\oauth2/token',
      'identity/oauth2\\token',
      'identity\\oauth2\\token',
      'identity/\\oauth2/token',
      'identity\\\\oauth2/token',
    ]) {
      const { status } = await nmi.send({ from, path: `/metadata/${path}` });
      expect([path, status]).toEqual([path, 400]);
    }
    expect((await nmi.send({ from, path: '/metadata/' })).status).toBe(404);
    expect(stage.sim.azure.journal.count({ service: 'imds', since: mark })).toBe(0);
  });
});

/** What Key Vault answers to a read with the token. */
async function readSecret(token: string): Promise<number | undefined> {
  const url = `${stage.sim.azure.vaultUrl('conformance')}/secrets/greeting?api-version=7.4`;
  const ca = await readFile(stage.sim.azure.caFile);
  const request = httpsRequest(url, {
    ca,
    headers: { Authorization: `Bearer ${token}` },
    agent: false,
  }).end();
  const [response] = (await once(request, 'response')) as [{ statusCode?: number; resume(): void }];
  response.resume();
  return response.statusCode;
}

describe('the original’s end-to-end suite', () => {
  it('E1 one identity: its token opens the vault by client id, by resource id and without selector, another’s does not', async () => {
    const { from, identity: of } = await assigned('vault-reader');
    const stranger = await assigned('vault-stranger');
    stage.sim.azure.world.addVault({
      name: 'conformance',
      secrets: { greeting: 'hello' },
      readers: [of.principalId],
    });
    await stage.sim.azure.ready();
    const tokenFor = async (caller: string, selector: string) =>
      String((await nmi.send({ from: caller, query: vaultResource + selector })).body['access_token']);
    for (const selector of ['', `&client_id=${of.clientId}`, `&msi_res_id=${of.resourceId}`])
      expect([selector, await readSecret(await tokenFor(from, selector))]).toEqual([selector, 200]);
    expect(await readSecret(await tokenFor(stranger.from, ''))).toBe(403);
  });
});

describe('RFC 9112, 3.2.2: the absolute form of the request line', () => {
  const at = (authority: string, path = tokenPath) => `http://${authority}${path}`;

  it('gets the same token and the same metadata as the path alone', async () => {
    const { from, identity: of } = await assigned('absolute');
    await expect(nmi.send({ from, path: at('169.254.169.254') })).resolves.toMatchObject({
      status: 200,
      body: { client_id: of.clientId },
    });
    const instance = { from, query: 'api-version=2021-02-01' };
    const plain = await nmi.send({ ...instance, path: '/metadata/instance' });
    const whole = await nmi.send({ ...instance, path: at('169.254.169.254:80', '/metadata/instance') });
    expect([whole.status, whole.text]).toEqual([200, plain.text]);
  });

  it('with the name of a web page is refused on every path, though Host has a good one; and the other way round', async () => {
    const { from } = await assigned('rebound');
    const told = { status: 400, text: expect.stringContaining('names another host') as string };
    const headers = { Metadata: 'true', Host: '169.254.169.254' };
    for (const path of [tokenPath, '/metadata/instance'])
      await expect(nmi.send({ from, path: at('evil.example', path), headers })).resolves.toMatchObject(told);
    const foreign = { Metadata: 'true', Host: 'evil.example' };
    await expect(nmi.send({ from, path: at('localhost'), headers: foreign })).resolves.toMatchObject(told);
    const host = { from: '127.0.0.1', headers: { podname: 'rebound-pod', podns: 'default' } };
    await expect(
      withHostToken.send({ ...host, path: at('evil.example', '/host/token') }),
    ).resolves.toMatchObject({
      status: 400,
      text: expect.stringContaining('names another host') as string,
    });
  });
});

describe('while the API server is away', () => {
  it('item 29: a probe without header is answered 400 though the API server takes connections and never answers', async () => {
    const silent = createServer();
    const asked = once(silent, 'connection');
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const folder = await mkdtemp(join(tmpdir(), 'nmi-silent-'));
    const kubeconfig = join(folder, 'config');
    const { url } = stage.sim.kube;
    await writeFile(kubeconfig, stage.sim.kube.kubeconfig().replaceAll(url, `http://127.0.0.1:${port}`));
    const lonely = await stage.nmi([`--kubeconfig=${kubeconfig}`]);
    await asked;
    for (const query of ['', vaultResource])
      await expect(lonely.send({ from: '127.0.0.1', query, headers: {} })).resolves.toMatchObject({
        status: 400,
        text: missingHeader,
      });
    await expect(
      lonely.send({ from: '127.0.0.1', path: '/latest/meta-data/', query: '', headers: {} }),
    ).resolves.toMatchObject({ status: 404 });
    silent.close();
    await rm(folder, { recursive: true });
  });
});
