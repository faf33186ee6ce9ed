import { generateKeyPairSync } from 'node:crypto';
import { createFakeClock } from '@pod-identity/kit/testing';
import { beforeEach, expect, it, vi } from 'vitest';
import { createEntraClient } from './entra-client.ts';
import { principalError, type EntraResponse } from './entra-errors.ts';
import type { EntraPost } from './entra-http.ts';

const loaded: string[] = vi.hoisted(() => []);
vi.mock('@azure/msal-node', async (original) => {
  loaded.push('msal');
  return original();
});

const subject = {
  kind: 'service-principal',
  name: 'default/app',
  clientId: 'app',
  tenantId: 'home.example',
  auxiliaryTenantIds: [],
  authority: 'https://login.example:8443',
  credential: 'secret',
  secret: { namespace: 'default', name: 'app' },
} as const;

const stage = (body: unknown = { access_token: 'token', expires_in: 600 }, status = 200) => {
  const sent: EntraPost[] = [];
  const { requestToken } = createEntraClient(
    {
      post: (post) => {
        sent.push(post);
        return Promise.resolve({ kind: 'answer', status, retryAfterMs: undefined, body });
      },
    },
    createFakeClock(1_000),
  );
  const question = {
    subject,
    tenantId: subject.tenantId,
    resource: 'https://vault.azure.net',
    errorOf: (response: EntraResponse) => principalError(response, subject, subject.tenantId),
  };
  return {
    sent,
    ask: () => requestToken({ ...question, proof: { kind: 'secret', value: 'hidden' } }),
    askWith: requestToken,
    question,
  };
};

beforeEach(() => vi.stubEnv('MSAL_FORCE_REGION', 'westeurope'));

it('MSAL is loaded by the first service principal', async () => {
  const { ask } = stage();
  expect(loaded).toEqual([]);
  await ask();
  expect(loaded).toEqual(['msal']);
});

it('W-S1: one request, to the token endpoint of the authority, whatever the environment says', async () => {
  const { ask, sent } = stage();
  await expect(ask()).resolves.toMatchObject({
    token: 'token',
    expiresOnTimestamp: 601_000,
    clientId: 'app',
  });
  expect(sent).toHaveLength(1);
  const { url, body, headers } = sent[0]!;
  expect(headers).toMatchObject({ 'Content-Type': expect.stringContaining('form-urlencoded') as string });
  expect(url).toMatch(/^https:\/\/login\.example:8443\/home\.example\/oauth2\/v2\.0\/token(\?|$)/);
  expect(Object.fromEntries(new URLSearchParams(body))).toMatchObject({
    client_id: 'app',
    client_secret: 'hidden',
    grant_type: 'client_credentials',
    scope: 'https://vault.azure.net/.default',
  });
});

it('never answers from a memory of its own', async () => {
  const { ask, sent } = stage();
  await ask();
  await ask();
  expect(sent).toHaveLength(2);
});

it('proves itself with a signed assertion where it has a certificate, and sends no secret', async () => {
  const { askWith, question, sent } = stage();
  const { privateKey: key } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const leaf = { raw: Buffer.from('leaf') };
  await askWith({ ...question, proof: { kind: 'certificate', certificate: { key, leaf, chain: [leaf] } } });
  const body = new URLSearchParams(sent[0]?.body);
  const [, payload = ''] = body.get('client_assertion')?.split('.') ?? [];
  expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
    iss: 'app',
    sub: 'app',
    nbf: 1,
    exp: 601,
    aud: 'https://login.example:8443/home.example/oauth2/v2.0/token',
  });
  expect(body.has('client_secret')).toBe(false);
});

it('sends the assertion of a federated credential as it came', async () => {
  const { askWith, question, sent } = stage();
  await askWith({ ...question, proof: { kind: 'assertion', value: 'a.b.c' } });
  const body = new URLSearchParams(sent[0]?.body);
  expect(Object.fromEntries(body)).toMatchObject({
    client_assertion: 'a.b.c',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    grant_type: 'client_credentials',
  });
  expect(body.has('client_secret')).toBe(false);
});

it('silence is told as that', async () => {
  const { question } = stage();
  const { requestToken } = createEntraClient(
    { post: () => Promise.resolve({ kind: 'silence' }) },
    createFakeClock(),
  );
  await expect(
    requestToken({ ...question, proof: { kind: 'secret', value: 'hidden' } }),
  ).rejects.toMatchObject({
    code: 'unavailable',
    message: 'The login endpoint did not answer for AzureIdentity default/app.',
  });
});

it('a fault of our own is not told as silence of the endpoint', async () => {
  const { question } = stage();
  const { requestToken } = createEntraClient(
    { post: () => Promise.reject(new TypeError('a bug')) },
    createFakeClock(),
  );
  const error = await requestToken({ ...question, proof: { kind: 'secret', value: 'hidden' } }).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Error);
  expect(error).not.toHaveProperty('code', 'unavailable');
});

it.each<[string, unknown, number, string]>([
  ['no token', {}, 200, 'unavailable'],
  ['an empty token', { access_token: '', expires_in: 600 }, 200, 'unavailable'],
  ['a token that is no text', { access_token: 5, expires_in: 600 }, 200, 'unavailable'],
  ['a token that has expired', { access_token: 'token', expires_in: 0 }, 200, 'unavailable'],
  ['a token and a refusal', { access_token: 'token', expires_in: 600, error: 'no' }, 400, 'denied'],
  ['a token without end', { access_token: 'token' }, 200, 'unavailable'],
  ['a page of a proxy', null, 200, 'unavailable'],
  ['an empty 400', null, 400, 'unavailable'],
  [
    'a refusal that nobody knows',
    { error: 'access_denied', error_description: 'AADSTS1: no' },
    400,
    'denied',
  ],
])('C53 an answer with %s', async (...[, body, status, code]) => {
  await expect(stage(body, status).ask()).rejects.toMatchObject({ code });
});
