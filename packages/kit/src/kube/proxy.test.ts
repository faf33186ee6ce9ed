import { expect, test } from 'vitest';
import { proxyFor, readProxy } from './proxy.ts';

const proxy = 'http://proxy:3128/';

test.each([
  ['https://api.example.com', proxy],
  ['https://127.example.com', proxy],
  ['https://10.1.2.3:6443', proxy],
  ['https://127.0.0.1:6443', undefined],
  ['https://[::1]:6443', undefined],
  ['https://localhost:6443', undefined],
  ['http://api.example.com', undefined],
])('%s', (server, expected) => {
  const NO_PROXY = '.example.com';
  const found = proxyFor(server, { HTTPS_PROXY: 'proxy:3128', NO_PROXY });
  expect(found).toEqual(expected && { HTTP_PROXY: expected, HTTPS_PROXY: expected, NO_PROXY });
});

test('a variable in lower case counts too', () => {
  const found = proxyFor('http://api', { http_proxy: 'https://p', no_proxy: 'other' });
  expect(found).toEqual({ HTTP_PROXY: 'https://p/', HTTPS_PROXY: 'https://p/', NO_PROXY: 'other' });
});

test('what is no proxy is refused without its text, which may have a password', () => {
  expect(() => readProxy('HTTPS_PROXY', 'http://me:hunter2@')).toThrow(
    /^HTTPS_PROXY is not the address of a proxy$/,
  );
});
