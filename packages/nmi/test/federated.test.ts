// Identities of type 3 with a broker over TLS, in this process, that gives every pod its token.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createCertificate, type OwnCertificate } from '../src/broker/roster/certificate.ts';
import { writeEntry } from '../src/broker/roster/entry.ts';
import { httpResponse, readRequest, type BrokerRequest, type BrokerResponse } from '../src/broker/wire.ts';
import { evil, startAccessStage, targetsOf, type AccessStage } from './access-stage.ts';
import type { Answer, Nmi } from './harness.ts';

const clientID = 'c0000000-0000-4000-8000-000000000001';
const tenantID = 'a0000000-0000-4000-8000-000000000001';
const spec = { type: 3, clientID, tenantID };
const mapPath = '/api/v1/namespaces/broker/configmaps';

let stage: AccessStage;
let folder: string;
let brokers: FakeBroker[];
let nmi: Nmi;

beforeAll(async () => {
  stage = await startAccessStage();
  folder = await mkdtemp(join(tmpdir(), 'nmi-federated-'));
  await writeFile(join(folder, 'token'), 'a.b.c\n');
  await stage.write(spec);
  await stage.grant(`${evil}/default`, targetsOf(spec));
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'broker' } };
  await stage.cluster.client.request('POST', '/api/v1/namespaces', object);
  brokers = [await startBroker(), await startBroker()];
  const metadata = { name: 'broker-replicas', namespace: 'broker' };
  await stage.cluster.client.request('POST', mapPath, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata,
    data: data(),
  });
  nmi = await stage.nmi(['--broker=broker', `--broker-token-file=${join(folder, 'token')}`]);
});
afterEach(() => brokers.forEach((broker) => broker.recover()));
afterAll(async () => {
  await stage.stop();
  await Promise.all(brokers.map((broker) => broker.stop()));
  await rm(folder, { recursive: true });
});

interface FakeBroker {
  readonly requests: (BrokerRequest | undefined)[];
  readonly entry: string;
  /** Connections are refused, or every request gets this response. */
  fail(how: 'away' | BrokerResponse): void;
  recover(): void;
  stop(): Promise<void>;
}

async function startBroker(): Promise<FakeBroker> {
  const own = createCertificate('broker', Date.now());
  const requests: (BrokerRequest | undefined)[] = [];
  let failure: 'away' | BrokerResponse | undefined;
  const server: Server = createServer({ key: own.key, cert: own.certificate }, (message, response) => {
    let body = '';
    message.on('data', (part) => (body += String(part)));
    message.on('end', () => {
      const request = readRequest(body);
      requests.push(request);
      const {
        status,
        retryAfter,
        body: text,
      } = httpResponse(failure === undefined || failure === 'away' ? tokenFor(request) : failure);
      response.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter }).end(text);
    });
  });
  server.on('connection', (socket) => {
    if (failure === 'away') socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    requests,
    entry: entryOf(own, (server.address() as AddressInfo).port),
    fail(how) {
      failure = how;
      server.closeAllConnections();
    },
    recover: () => (failure = undefined),
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function tokenFor(request: BrokerRequest | undefined): BrokerResponse {
  const claims = { appid: request?.clientId, pod: request?.pod.name };
  const token = `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;
  const expiresOn = Math.floor(Date.now() / 1000) + 3_600;
  return { kind: 'token', token, expiresOn, clientId: request?.clientId ?? '' };
}

const entryOf = ({ certificate }: OwnCertificate, port: number) =>
  writeEntry({ uid: 'u', address: '127.0.0.1', port, certificates: [certificate] });
const data = () => Object.fromEntries(brokers.map(({ entry }, index) => [`broker-${index}`, entry]));

let pods = 0;
const newPod = async () => {
  const name = `pod-${(pods += 1)}`;
  return { name, from: await stage.evilPod({ name }) };
};
const podOf = ({ body }: Answer) => {
  const [, claims = ''] = String(body['access_token']).split('.');
  return (JSON.parse(Buffer.from(claims, 'base64url').toString()) as { pod?: string }).pod;
};

it('a pod gets the token that the broker gave for it, from then on from memory, and no other pod does', async () => {
  const [one, two] = [await newPod(), await newPod()];
  const responses = [await nmi.send(one), await nmi.send(two), await nmi.send(one)];
  expect(responses.map((response) => [response.status, podOf(response)])).toEqual([
    [200, one.name],
    [200, two.name],
    [200, one.name],
  ]);
  const requests = brokers.flatMap((broker) => broker.requests);
  expect(requests).toHaveLength(2);
  const pod = { namespace: evil, name: one.name };
  expect(requests).toContainEqual(expect.objectContaining({ tenant: tenantID, clientId: clientID }));
  expect(requests).toContainEqual(expect.objectContaining({ pod: expect.objectContaining(pod) }));
});

it('no request fails while one of two replicas is away', async () => {
  brokers[0]?.fail('away');
  for (let count = 0; count < 6; count += 1)
    expect(await nmi.send(await newPod())).toMatchObject({ status: 200 });
});

it('while all brokers are away memory serves, and a new token waits with a reason', async () => {
  const known = await newPod();
  await nmi.send(known);
  for (const broker of brokers) broker.fail('away');
  const late = await newPod();
  expect(await nmi.send(known)).toMatchObject({ status: 200 });
  const refused = await nmi.send(late);
  expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': expect.any(String) } });
  expect(refused.body['error_description']).toContain(
    'No broker gave a response for AzureIdentity shop/evil',
  );
  for (const broker of brokers) broker.recover();
  expect(await nmi.send(late)).toMatchObject({ status: 200 });
});

it('a pod is told what the broker says, with the command that makes the federated credential', async () => {
  const credential = 'az identity federated-credential create --name broker';
  const message = 'no federated credential fits';
  const failure = {
    kind: 'refusal',
    code: 'credential_missing',
    message,
    credential,
    retryAfterSeconds: 7,
  } as const;
  for (const broker of brokers) broker.fail(failure);
  const refused = await nmi.send(await newPod());
  expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '7' } });
  expect(refused.body['error_description']).toContain(message);
  expect(refused.body['error_description']).toContain(credential);
});

it('a wiped ConfigMap does not end requests', async () => {
  await stage.cluster.client.request('PATCH', `${mapPath}/broker-replicas`, { data: null });
  expect(await nmi.send(await newPod())).toMatchObject({ status: 200 });
  await stage.cluster.client.request('PATCH', `${mapPath}/broker-replicas`, { data: data() });
});
