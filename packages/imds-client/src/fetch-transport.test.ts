import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createFetchTransport } from './fetch-transport.ts';

const names = [
  'http_proxy',
  'HTTP_PROXY',
  'no_proxy',
  'NO_PROXY',
  'all_proxy',
  'ALL_PROXY',
  'NODE_USE_ENV_PROXY',
];
const message = /^HTTP_PROXY would lead requests for .* through a proxy: add 127\.0\.0\.1 to NO_PROXY/;
const fetched = vi.fn(() => Promise.resolve(new Response('x')));

beforeEach(() => {
  for (const name of names) vi.stubEnv(name, undefined);
  vi.stubGlobal('fetch', fetched.mockClear());
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});
const nameProxy = () => {
  vi.stubEnv('HTTP_PROXY', 'http://proxy:3128');
  vi.stubEnv('NODE_USE_ENV_PROXY', '1');
};
const get = (transport: ReturnType<typeof createFetchTransport>) =>
  transport('http://127.0.0.1/x', {
    method: 'GET',
    headers: {},
    redirect: 'manual',
    signal: new AbortController().signal,
  });

test('without a proxy the request is sent', async () => {
  expect(await (await get(createFetchTransport('http://127.0.0.1'))).text()).toBe('x');
});

test('a proxy of the environment is noticed at once, and when it is named later', async () => {
  const transport = createFetchTransport('http://127.0.0.1');
  nameProxy();
  await expect(get(transport)).rejects.toThrow(message);
  expect(() => createFetchTransport('http://127.0.0.1')).toThrow(message);
  expect(fetched).not.toHaveBeenCalled();
});

test('an endpoint elsewhere may be reached through a proxy', async () => {
  nameProxy();
  await get(createFetchTransport('http://imds.example'));
  expect(fetched).toHaveBeenCalledOnce();
});
