// What the original's tests and its end-to-end suite pin down of NMI, on a running agent or on its decision. Where ours
// differs on purpose, the title says what ours does, and docs/administrator/from-the-original.md has a row for it.
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@pod-identity/kit/serve';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuthorizeRules, Decision } from '../src/authorize/types.ts';
import { parseTokenRequest, type Selector } from '../src/request/token-request.ts';
import { respond } from '../src/respond/respond.ts';
import {
  authorize,
  binding,
  clientIdOf,
  identity,
  pod,
  resourceIdOf,
  rules,
  viewOf,
  type World,
} from './builders.ts';
import {
  addressOf,
  assignedPod,
  startStage,
  tokenPath,
  vaultResource,
  type Nmi,
  type Stage,
} from './harness.ts';

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

/** An agent that holds nobody, as soon as it knows all there is. */
const hasty = async (...argv: readonly string[]) => {
  const agent = await stage.nmi(['--hold=0s', '--caller-hold=0s', ...argv]);
  const caller = { gone: new AbortController().signal };
  await agent.agent.readiness.whenReady({ deadline: systemClock.elapsed() + 60_000, caller });
  return agent;
};

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

  it('C55 no remote address: 503 as for any unknown one, where the original returns 500', () => {
    const unknown = { kind: 'unknown-caller', address: '' } as const;
    const rulesOf = { nowMs: 0, notAssignedStatus: 503, random: () => 0 } as const;
    expect(respond(unknown, rulesOf).status).toBe(503);
  });

  it('C56 a query gives client id, resource id and resource; mi_res_id alone will do; the bare endpoint gives nothing', () => {
    expect(parseTokenRequest('resource=r&client_id=A')).toMatchObject({
      value: { resource: 'r', selector: { by: 'client-id', value: 'a' } },
    });
    for (const name of ['msi_res_id', 'mi_res_id'])
      expect(parseTokenRequest(`resource=r&${name}=/S`)).toMatchObject({
        value: { resource: 'r', selector: { by: 'resource-id', value: '/s' } },
      });
    expect(parseTokenRequest('')).toEqual({ ok: false, problem: { why: 'no-resource', name: 'resource' } });
  });

  it('C57 no resource: 400, with a text of our own', async () => {
    const ask = { from: '127.0.0.1', query: 'client_id=a' };
    await expect(nmi.send(ask)).resolves.toMatchObject({
      status: 400,
      body: { error: expect.stringMatching(/^invalid_request: Parameter resource is missing/) as string },
    });
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

const reader = identity({ name: 'reader' });
const writer = identity({ name: 'writer' });
const both = { identities: [reader, writer], bindings: [binding('reader'), binding('writer')] };
const one = { identities: [reader], bindings: [binding('reader')] };
const nothing: Selector = { by: 'nothing' };
const byClient = (value: string): Selector => ({ by: 'client-id', value: value.toLowerCase() });
const byResource = (value: string): Selector => ({ by: 'resource-id', value: value.toLowerCase() });

const summary = (decision: Decision): string => {
  if (decision.kind === 'allow') return `allow ${decision.identity.name}`;
  return decision.kind === 'deny' ? `deny ${decision.denial.why}` : decision.kind;
};
const decide = (world: World, selector: Selector, by: AuthorizeRules = rules) =>
  summary(authorize({ pod: pod(), selector }, viewOf(world).view, by));

describe('which identity, in standard mode: no record decides', () => {
  it.each<[string, World, Selector, string]>([
    ['nothing at all is refused at once', {}, nothing, 'deny no-binding'],
    ['no selector and one identity', one, nothing, 'allow default/reader'],
    ['a client id', both, byClient(clientIdOf('reader')), 'allow default/reader'],
    [
      'a client id that is the resource id of another',
      both,
      byClient(resourceIdOf('writer')),
      'deny not-this-identity',
    ],
    ['a resource id', both, byResource(resourceIdOf('writer')), 'allow default/writer'],
    [
      'a resource id that is the client id of another',
      both,
      byResource(clientIdOf('reader')),
      'deny not-this-identity',
    ],
    ['no selector and several: a list instead of any one of them', both, nothing, 'deny several-identities'],
  ])('C61 %s', (...[, world, selector, expected]) => {
    expect(decide(world, selector)).toBe(expected);
  });

  it('C61 pods get identities of their namespace only: the one there, wherever it stands in the list', () => {
    const away = ['a', 'b'].map((name) => identity({ name, namespace: 'other' }));
    const world = {
      identities: [...away, reader],
      bindings: [
        ...away.map(({ metadata }) => binding(metadata.name, { namespace: 'other' })),
        binding('reader'),
      ],
    };
    expect(decide(world, nothing, { ...rules, forceNamespaced: true })).toBe('allow default/reader');
  });
});

describe('which identity, in managed mode', () => {
  const managed: AuthorizeRules = { ...rules, forceNamespaced: true };
  it.each<[string, World, Selector, string]>([
    ['no identity', {}, nothing, 'deny no-binding'],
    [
      'another client id, though it is a resource id',
      both,
      byClient(resourceIdOf('reader')),
      'deny not-this-identity',
    ],
    [
      'another resource id, though it is a client id',
      both,
      byResource(clientIdOf('reader')),
      'deny not-this-identity',
    ],
    ['the client id', both, byClient(clientIdOf('writer')), 'allow default/writer'],
    ['the resource id', both, byResource(resourceIdOf('writer')), 'allow default/writer'],
    ['no selector and one identity', one, nothing, 'allow default/reader'],
    ['no selector and several: a list instead of the first', both, nothing, 'deny several-identities'],
  ])('C62 %s', (...[, world, selector, expected]) => {
    expect(decide(world, selector, managed)).toBe(expected);
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

  it('E18 a pod with a label of an exception gets the machine’s own identities, one without gets none', async () => {
    const { identity: of } = await assigned('machine');
    await stage.cluster.exception({ name: 'plugin', podLabels: { app: 'plugin' } });
    const exempt = addressOf(await stage.cluster.pod({ name: 'plugin', labels: { app: 'plugin' } }));
    const plain = addressOf(await stage.cluster.pod({ name: 'no-plugin', labels: { app: 'other' } }));
    const late = await hasty();
    const query = `${vaultResource}&client_id=${of.clientId}`;
    await expect(late.send({ from: exempt, query })).resolves.toMatchObject({
      status: 200,
      body: { client_id: of.clientId },
    });
    await expect(late.send({ from: plain, query })).resolves.toMatchObject({ status: 400 });
  });

  it('E20 an unknown path is 404, one without header 400, instance metadata is read unless it is blocked: then 403', async () => {
    const from = addressOf(await stage.cluster.pod({ name: 'probe' }));
    const instance = { from, path: '/metadata/instance', query: 'api-version=2021-02-01' };
    await expect(nmi.send({ from, path: '/metadata/nothing' })).resolves.toMatchObject({ status: 404 });
    await expect(nmi.send({ ...instance, headers: {} })).resolves.toMatchObject({ status: 400 });
    await expect(nmi.send(instance)).resolves.toMatchObject({ status: 200 });
    const blocking = await stage.nmi(['--block-instance-metadata']);
    for (const path of ['/metadata/instance', '/Metadata/instance', '/metadata/instance/compute'])
      await expect(blocking.send({ ...instance, path })).resolves.toMatchObject({
        status: 403,
      });
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

  it('without the header Metadata is a probe like any other, and leads to no other path', async () => {
    const from = '127.0.0.1';
    await expect(nmi.send({ from, path: at('evil.example'), headers: {} })).resolves.toMatchObject({
      status: 400,
      text: missingHeader,
    });
    for (const path of [
      at('169.254.169.254', '/metadata/instance/../identity/oauth2/token'),
      'http:///metadata/instance',
      'https://169.254.169.254/metadata/instance',
    ])
      await expect(nmi.send({ from, path })).resolves.toMatchObject({
        status: 400,
        text: expect.stringContaining('malformed') as string,
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
