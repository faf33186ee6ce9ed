import { KubeError, type KubeErrorCode } from '@pod-identity/kit/kube';
import { expect, it } from 'vitest';
import { createTransport } from '../../../test/transport.ts';
import { TokenError } from '../errors.ts';
import { createSecretReader } from './secret-reader.ts';

const reference = { namespace: 'shop', name: 'app' };
const base64 = (text: string) => Buffer.from(text).toString('base64');
const metadata = { uid: 'u', resourceVersion: '7' };

it('reads one Secret by its name: its version, and the key of the credential', async () => {
  const transport = createTransport(() => ({ metadata, data: { clientSecret: base64('hidden') } }));
  const { read } = createSecretReader(transport);
  await expect(read(reference, 'secret')).resolves.toEqual({
    version: 'u 7',
    stored: { kind: 'secret', value: 'hidden' },
  });
  expect(transport.requests).toMatchObject([
    { method: 'GET', path: '/api/v1/namespaces/shop/secrets/app', timeoutMs: 3_000 },
  ]);
});

it('asks for nothing but a Secret, whatever an AzureIdentity names', async () => {
  const transport = createTransport(() => ({ metadata }));
  await createSecretReader(transport).read({ namespace: 'shop', name: '../../nodes?x' }, 'secret');
  expect(transport.requests[0]?.path).toBe('/api/v1/namespaces/shop/secrets/..%2F..%2Fnodes%3Fx');
});

it.each([
  ['without data', { metadata }, 'u 7', 'it is empty'],
  [
    'with a value that is no text',
    { metadata, data: { clientSecret: null } },
    'u 7',
    'its client secret is empty',
  ],
  ['that says nothing at all', null, 'undefined undefined', 'it is empty'],
])('bears a Secret %s', async (...[, object, version, fault]) => {
  const read = await createSecretReader(createTransport(() => object)).read(reference, 'secret');
  expect(read).toEqual({ version, stored: expect.stringContaining(fault) as string });
});

const failing = (error: Error) =>
  createSecretReader(
    createTransport(() => {
      throw error;
    }),
  )
    .read(reference, 'secret')
    .catch((thrown: unknown) => thrown);

it.each<[KubeErrorCode, string, string]>([
  ['not-found', 'misconfigured', 'Secret shop/app, which spec.clientPassword names, does not exist.'],
  ['denied', 'misconfigured', 'NMI may not read Secret shop/app.'],
  ['unauthorized', 'misconfigured', 'NMI may not read Secret shop/app.'],
  ['unavailable', 'unavailable', 'The API server did not give Secret shop/app (unavailable).'],
  ['throttled', 'unavailable', 'The API server did not give Secret shop/app (throttled).'],
])('says of %s what it means for the pod: %s', async (code, expected, text) => {
  const cause = new KubeError(code, 'no');
  const error = await failing(cause);
  expect(error).toBeInstanceOf(TokenError);
  expect(error).toMatchObject({ code: expected, cause });
  expect((error as Error).message).toContain(text);
});

it('passes on how long the API server wants to be left alone', async () => {
  await expect(failing(new KubeError('throttled', 'no', { retryAfterMs: 3_000 }))).resolves.toMatchObject({
    retryAfterMs: 3_000,
  });
});

it('a fault of our own is no answer of the API server', async () => {
  const bug = new TypeError('a bug');
  await expect(failing(bug)).resolves.toBe(bug);
});
