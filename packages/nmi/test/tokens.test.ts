// Tokens through a real agent: service principals, and what is forgotten.
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { apiVersion } from '@pod-identity/crd-types';
import { createFakeClock } from '@pod-identity/kit/testing';
import { systemClock } from '@pod-identity/kit/serve';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inbound } from './builders.ts';
import { addressOf, startStage, tokenPath, vaultResource, type Nmi, type Stage } from './harness.ts';

let stage: Stage;
let nmi: Nmi;
beforeAll(async () => {
  stage = await startStage();
  tls.setDefaultCACertificates([
    ...tls.getCACertificates('default'),
    readFileSync(stage.sim.azure.caFile, 'utf8'),
  ]);
  nmi = await stage.nmi([`--authority-allow=${new URL(stage.sim.azure.entraUrl).host}`]);
});
afterAll(() => stage.stop());

interface Draft {
  readonly spec?: object;
  readonly secretNamespace?: string;
  readonly secret?: string;
}

/** A pod that is bound to an application of its own. */
async function principal(
  name: string,
  { spec = {}, secretNamespace = 'default', secret = 'right' }: Draft = {},
) {
  const clientId = crypto.randomUUID();
  const { azure } = stage.sim;
  azure.world.addApp({ clientId, secrets: ['right', 'next'] });
  await stage.cluster.client.request('POST', `/api/v1/namespaces/${secretNamespace}/secrets`, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: secretNamespace },
    data: { clientSecret: Buffer.from(secret).toString('base64') },
  });
  await stage.cluster.client.request('POST', `/apis/${apiVersion}/namespaces/default/azureidentities`, {
    apiVersion,
    kind: 'AzureIdentity',
    metadata: { name, namespace: 'default' },
    spec: {
      type: 1,
      clientID: clientId,
      tenantID: azure.world.defaultTenantId,
      clientPassword: { name, namespace: secretNamespace },
      ...spec,
    },
  });
  await stage.cluster.binding({ name: `${name}-binding`, identity: name, selector: name });
  const from = addressOf(await stage.cluster.pod({ name: `${name}-pod`, label: name }));
  return { from, clientId };
}

const secretReads = (name: string) => stage.sim.kube.journal.count({ path: new RegExp(`/secrets/${name}$`) });
const entraCalls = () => stage.sim.azure.journal.count({ service: 'entra' });

describe('E25 C12 a service principal (type 1)', () => {
  it('gets its token from Entra, by the one login host that is allowed, without a record of MIC’s', async () => {
    const { from, clientId } = await principal('app');
    const answer = await nmi.send({ from });
    expect(answer).toMatchObject({ status: 200, body: { token_type: 'Bearer', client_id: clientId } });
    const claims = JSON.parse(
      Buffer.from(String(answer.body['access_token']).split('.')[1] ?? '', 'base64url').toString(),
    ) as object;
    expect(claims).toMatchObject({ appid: clientId, aud: 'https://vault.azure.net' });
  });

  it('C53 with a wrong secret: 403 and why; the secret is nowhere', async () => {
    const { from } = await principal('wrong', { secret: 'hidden-value' });
    const { status, text } = await nmi.send({ from });
    expect(status).toBe(403);
    expect(text).toContain('AADSTS7000215');
    expect(text + nmi.lines.join('\n')).not.toContain('hidden-value');
  });

  it.each<[string, Draft, RegExp]>([
    [
      'whose Secret is in another namespace',
      { secretNamespace: 'shop' },
      /move the Secret to namespace default/,
    ],
    [
      'whose login host is not allowed',
      { spec: { adEndpoint: 'https://evil.example/' } },
      /--authority-allow/,
    ],
  ])('W-S1 %s: refused before the Secret is read', async (...[, draft, text]) => {
    const name = `stolen-${draft.spec ? 'host' : 'namespace'}`;
    const { from } = await principal(name, draft);
    const before = entraCalls();
    const { status, body } = await nmi.send({ from });
    expect([status, body['access_token']]).toEqual([400, undefined]);
    expect(body['error_description']).toMatch(text);
    expect([secretReads(name), entraCalls()]).toEqual([0, before]);
  });
});

it('attack: a pod that names resources in the annotation of earlier versions causes no request before it asks', async () => {
  const clock = createFakeClock(Date.now());
  const identity = await stage.bound('eager');
  stage.attach(identity);
  const pod = await stage.cluster.pod({ name: 'eager-pod', label: 'eager' });
  await stage.cluster.client.request('PATCH', '/api/v1/namespaces/default/pods/eager-pod', {
    metadata: { annotations: { 'aadpodidentity.k8s.io/prefetch': 'https://vault.azure.net' } },
  });
  await stage.record({ pod: 'eager-pod', identity: 'eager', state: 'Assigned' });
  const patient = await stage.nmi([], clock);
  const ask = (resource: string) =>
    patient.send({ from: addressOf(pod), path: tokenPath, query: `resource=${resource}` });
  const mark = stage.sim.azure.journal.mark();
  await expect(ask('api://first')).resolves.toMatchObject({ status: 200 });
  await clock.advance(60_000);
  await expect(ask('api://second')).resolves.toMatchObject({ status: 200 });
  const asked = stage.sim.azure.journal.entries({ since: mark, service: 'imds', query: /resource=/ });
  expect(asked.map(({ query }) => new URLSearchParams(query).get('resource'))).toEqual([
    'api://first',
    'api://second',
  ]);
});

it('a cached token is returned in the same turn of the event loop: nothing can change between decision and response', async () => {
  const { from } = await principal('at-once');
  await nmi.send({ from });
  const request = inbound(`${tokenPath}?${vaultResource}`, { peer: from, receivedAt: systemClock.elapsed() });
  expect(nmi.agent.app.respond(request)).toMatchObject({ status: 200 });
});

it('a token in memory reaches no pod whose binding is deleted, and the pod again when the binding is back', async () => {
  const clock = createFakeClock(Date.now());
  const identity = await stage.bound('revoked');
  stage.attach(identity);
  const from = addressOf(await stage.cluster.pod({ name: 'revoked-pod', label: 'revoked' }));
  await stage.record({ pod: 'revoked-pod', identity: 'revoked', state: 'Assigned' });
  const agent = await stage.nmi(['--binding-grace=0s'], clock);
  const asked = stage.imdsCalls();
  for (let n = 0; n < 2; n += 1) await expect(agent.send({ from })).resolves.toMatchObject({ status: 200 });
  expect(stage.imdsCalls() - asked).toBe(1);
  const path = `/apis/${apiVersion}/namespaces/default/azureidentitybindings/revoked-binding`;
  await stage.cluster.client.request('DELETE', path);
  await until(async () => (await agent.send({ from })).status === 400);
  await stage.cluster.binding({ name: 'revoked-binding', identity: 'revoked', selector: 'revoked' });
  await until(async () => (await agent.send({ from })).status === 200);
  expect(stage.imdsCalls() - asked).toBe(1);
});

/** The watch delivers it. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo()));
}
