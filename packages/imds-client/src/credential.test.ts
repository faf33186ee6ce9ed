import { expect, test } from 'vitest';
import { createImdsClient, createImdsCredential } from './client.ts';
import type { FetchLike, Identity } from './types.ts';

const scope = 'https://vault.azure.net/.default';

function createScene() {
  const urls: string[] = [];
  const transport: FetchLike = (url) => {
    urls.push(url);
    const body = JSON.stringify({ access_token: `token ${urls.length}`, expires_in: 3600 });
    return Promise.resolve(new Response(body));
  };
  return { urls, options: { transport, endpoint: 'http://127.0.0.1:1' } };
}

test('a scope becomes the resource, and the identity is the one of the credential', async () => {
  const { urls, options } = createScene();
  const credential = createImdsCredential({ ...options, identity: { clientId: 'c' } });
  expect(await credential.getToken([scope])).toMatchObject({ token: 'token 1', tokenType: 'Bearer' });
  expect(urls).toEqual([
    'http://127.0.0.1:1/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net&client_id=c',
  ]);
});

test('a token is kept until a claims challenge reports that it was refused', async () => {
  const { options } = createScene();
  const credential = createImdsCredential(options);
  await credential.getToken(scope);
  expect(await credential.getToken(scope)).toMatchObject({ token: 'token 1' });
  expect(await credential.getToken(scope, { claims: '{}' })).toMatchObject({ token: 'token 2' });
});

test('the signal of the caller aborts the request', async () => {
  const { options } = createScene();
  const getting = createImdsCredential(options).getToken(scope, { abortSignal: AbortSignal.abort() });
  await expect(getting).rejects.toMatchObject({ code: 'aborted' });
});

test('an identity named twice is refused when the credential is made', () => {
  const identity = { clientId: 'c', resourceId: 'r' } as unknown as Identity;
  expect(() => createImdsCredential({ identity })).toThrow(TypeError);
});

test.each(['clientId', 'managedIdentityClientId', 'client_id'])(
  'the option %s is refused, and by a client too: it would be a credential of another identity',
  (name) => {
    const { options } = createScene();
    for (const create of [createImdsCredential, createImdsClient])
      expect(() => create({ ...options, [name]: 'c' })).toThrow(
        `${name} must be in identity: clientId, objectId or resourceId`,
      );
    expect(() => createImdsCredential(Object.create({ ...options, [name]: 'c' }) as object)).toThrow(name);
  },
);

test.each(['client-id', '', 5, null])('%j in place of the options is refused', (options) => {
  expect(() => createImdsCredential(options as never)).toThrow('options must be an object');
});

test('a client refuses the option identity, which each of its requests has', () => {
  const { options } = createScene();
  expect(() => createImdsClient({ ...options, identity: { clientId: 'c' } } as object)).toThrow(
    'identity must be in createImdsCredential or getToken',
  );
});

test('several scopes are refused', async () => {
  const { options } = createScene();
  await expect(createImdsCredential(options).getToken(['a/.default', 'b/.default'])).rejects.toThrow(
    TypeError,
  );
});
