import { expect, test } from 'vitest';
import { proxyFor, readProxy } from './proxy.ts';

const proxy = 'http://proxy:3128/';
const through = (server: string, NO_PROXY = '') => proxyFor(server, { HTTPS_PROXY: 'proxy:3128', NO_PROXY });

test.each([
  ['https://api.example.com', '', proxy],
  ['https://api.example.com', '*', undefined],
  ['https://api.example.com', 'example.com', undefined],
  ['https://api.example.com', '.example.com', undefined],
  ['https://api.example.com', '*.example.com', undefined],
  ['https://example.com', '.example.com', proxy],
  ['https://badexample.com', 'example.com', proxy],
  ['https://api.example.com:6443', 'example.com:6443', undefined],
  ['https://api.example.com', 'example.com:6443', proxy],
  ['https://10.1.2.3:6443', '10.0.0.0/8, 192.168.0.0/16', undefined],
  ['https://11.1.2.3:6443', '10.0.0.0/8', proxy],
  ['https://10.1.2.3', '10.1.2.3', undefined],
  ['https://[fd00::1]:6443', 'fd00::/8', undefined],
  ['https://[fd00::1]:6443', 'fd00::1', undefined],
  ['https://10.1.2.3', 'nonsense/8,10.0.0.0/99', proxy],
  ['https://127.0.0.1:6443', '', undefined],
  ['https://localhost:6443', '', undefined],
  ['http://api.example.com', '', undefined],
])('%s with NO_PROXY=%s', (server, noProxy, expected) => {
  expect(through(server, noProxy)).toBe(expected);
});

test('a variable in lower case counts too', () => {
  expect(proxyFor('http://api', { http_proxy: 'https://p', no_proxy: 'other' })).toBe('https://p/');
});

test('what is no proxy is refused without its text, which may have a password', () => {
  expect(() => readProxy('HTTPS_PROXY', 'http://me:hunter2@')).toThrow(
    /^HTTPS_PROXY is not the address of a proxy$/,
  );
});
