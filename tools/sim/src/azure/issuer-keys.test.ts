import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFaults } from '../http/faults.ts';
import { createJournal } from '../http/journal.ts';
import { startListener, type Listener } from '../http/server.ts';
import { createServerCertificate } from './cert.ts';
import { discoverKeys, discoverKeysAt } from './issuer-keys.ts';
import { json } from './routes.ts';

const issuer = 'https://issuer.invalid';
const keys = { keys: [{ kty: 'RSA', kid: 'one' }] };
let listener: Listener;
let ca: string;
let dispose: () => Promise<void>;
let document: object;

beforeAll(async () => {
  const certificate = await createServerCertificate();
  ({ dispose } = certificate);
  ca = await readFile(certificate.caFile, 'utf8');
  listener = await startListener({
    service: 'issuer',
    journal: createJournal(),
    faults: createFaults(),
    tls: certificate,
    handle: ({ path }) => {
      if (path === '/.well-known/openid-configuration') return json(200, document);
      return path === '/openid/v1/jwks' ? json(200, keys) : json(404, {});
    },
  });
});
afterAll(async () => {
  await listener.close();
  await dispose();
});

const at = () => discoverKeysAt({ url: listener.url, ca });

test('an issuer of any name is read at the server that publishes for it', async () => {
  document = { issuer, jwks_uri: `${listener.url}/openid/v1/jwks` };
  expect(await at()(issuer)).toEqual(keys);
});

test('a document of another issuer is refused', async () => {
  document = { issuer: 'https://another.invalid', jwks_uri: `${listener.url}/openid/v1/jwks` };
  await expect(at()(issuer)).rejects.toThrow('is that of https://another.invalid');
});

test('keys that are not there are refused', async () => {
  document = { issuer, jwks_uri: `${listener.url}/nowhere` };
  await expect(at()(issuer)).rejects.toThrow('responded with 404');
});

test('a server whose certificate is of an unknown authority is not believed', async () => {
  document = { issuer: listener.url, jwks_uri: `${listener.url}/openid/v1/jwks` };
  await expect(discoverKeys(listener.url)).rejects.toThrow();
});
