// Identities of type 3 with a broker over TLS, in this process, that gives every pod its token.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
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
afterAll(async () => {
  await stage.stop();
  await Promise.all(brokers.map((broker) => broker.stop()));
  await rm(folder, { recursive: true });
});

interface FakeBroker {
  readonly requests: (BrokerRequest | undefined)[];
  readonly entry: string;
  stop(): Promise<void>;
}

async function startBroker(): Promise<FakeBroker> {
  const own = createCertificate('broker', Date.now());
  const requests: (BrokerRequest | undefined)[] = [];
  const server: Server = createServer({ key: own.key, cert: own.certificate }, (message, response) => {
    let body = '';
    message.on('data', (part) => (body += String(part)));
    message.on('end', () => {
      const request = readRequest(body);
      requests.push(request);
      const { status, body: text } = httpResponse(tokenFor(request));
      response.writeHead(status).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    requests,
    entry: entryOf(own, (server.address() as AddressInfo).port),
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
