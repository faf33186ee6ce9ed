import { describe, expect, test } from 'vitest';
import { isLocal, proxyOfFetch, type ProxySetting } from './proxies.ts';

const endpoint = 'http://169.254.169.254';
const proxy = 'http://proxy:3128';
const of = (more: Partial<ProxySetting>) =>
  proxyOfFetch({ endpoint, env: {}, runtime: 'bun', flags: [], ...more });

/** Node that was told to use proxies. */
const told = (env: ProxySetting['env']): Partial<ProxySetting> => ({
  runtime: 'node',
  env: { HTTP_PROXY: proxy, NODE_USE_ENV_PROXY: '1', ...env },
});

describe('fetch uses the proxy', () => {
  test.each<[string, Partial<ProxySetting>, string | undefined]>([
    ['of http_proxy', { env: { http_proxy: proxy } }, 'http_proxy'],
    ['of HTTP_PROXY', { env: { HTTP_PROXY: proxy } }, 'HTTP_PROXY'],
    ['of ALL_PROXY', { env: { ALL_PROXY: proxy } }, 'ALL_PROXY'],
    ['of HTTPS_PROXY', { endpoint: 'https://[fd00:ec2::23]', env: { HTTPS_PROXY: proxy } }, 'HTTPS_PROXY'],
    ['of Deno', { runtime: 'deno', env: { HTTP_PROXY: proxy } }, 'HTTP_PROXY'],
    [
      'of Node by a variable',
      { runtime: 'node', env: { HTTP_PROXY: proxy, NODE_USE_ENV_PROXY: '1' } },
      'HTTP_PROXY',
    ],
    [
      'of Node by a flag',
      { runtime: 'node', env: { HTTP_PROXY: proxy }, flags: ['--use-env-proxy'] },
      'HTTP_PROXY',
    ],
    [
      'of Node by its options',
      { runtime: 'node', env: { HTTP_PROXY: proxy, NODE_OPTIONS: '--a --use-env-proxy' } },
      'HTTP_PROXY',
    ],
    ...['--use_env_proxy', '"--use-env-proxy"', '--a "--use_env_proxy"'].map(
      (options): [string, Partial<ProxySetting>, string] => [
        `of Node by the options ${options}`,
        { runtime: 'node', env: { HTTP_PROXY: proxy, NODE_OPTIONS: options } },
        'HTTP_PROXY',
      ],
    ),
    [
      'of Node by a flag with underscores',
      { runtime: 'node', env: { HTTP_PROXY: proxy }, flags: ['--use_env_proxy'] },
      'HTTP_PROXY',
    ],
    [
      'of Node, in which no_proxy hides NO_PROXY',
      told({ no_proxy: 'a', NO_PROXY: '169.254.169.254' }),
      'HTTP_PROXY',
    ],
    ['of Node, in which an empty no_proxy hides it', told({ no_proxy: '', NO_PROXY: '*' }), 'HTTP_PROXY'],
    ['although * is one of several exceptions', told({ NO_PROXY: 'a,*' }), 'HTTP_PROXY'],
    ['of http for https in Node', { ...told({}), endpoint: 'https://169.254.169.254' }, 'HTTP_PROXY'],
    [
      'of Node although an IPv6 address is excepted without brackets',
      { ...told({ NO_PROXY: '::1' }), endpoint: 'http://[::1]' },
      'HTTP_PROXY',
    ],
    [
      'of another runtime if one of two lists has no exception',
      { env: { HTTP_PROXY: proxy, no_proxy: 'a', NO_PROXY: '169.254.169.254' } },
      'HTTP_PROXY',
    ],
    [
      'although NO_PROXY has others',
      { env: { HTTP_PROXY: proxy, NO_PROXY: '169.254.169.25,10.0.0.1' } },
      'HTTP_PROXY',
    ],
  ])('%s', (_, setting, expected) => {
    expect(of(setting)).toBe(expected);
  });
});

describe('fetch uses no proxy', () => {
  test.each<[string, Partial<ProxySetting>]>([
    ['without a variable', {}],
    ['of http for https in another runtime', { endpoint: 'https://[::1]', env: { HTTP_PROXY: proxy } }],
    [
      'for a name in capitals',
      { endpoint: 'http://localhost', env: { HTTP_PROXY: proxy, NO_PROXY: 'LOCALHOST' } },
    ],
    ['for * between blanks', { env: { HTTP_PROXY: proxy, NO_PROXY: ' * ' } }],
    ['with an empty one', { env: { HTTP_PROXY: '' } }],
    ['for another protocol', { env: { HTTPS_PROXY: proxy } }],
    ['in Node unless it is told to', { runtime: 'node', env: { HTTP_PROXY: proxy } }],
    ['for an exception', { env: { HTTP_PROXY: proxy, no_proxy: '10.0.0.1, 169.254.169.254' } }],
    [
      'for an exception with a port',
      { endpoint: `${endpoint}:8080`, env: { HTTP_PROXY: proxy, NO_PROXY: '169.254.169.254:8080' } },
    ],
    ['in Node, of which no_proxy is read alone', told({ no_proxy: '169.254.169.254', NO_PROXY: 'a' })],
    ['in Node for an excepted IPv6 address', { ...told({ NO_PROXY: '[::1]' }), endpoint: 'http://[::1]' }],
    [
      'for an exception of one list, if the other is empty',
      { env: { HTTP_PROXY: proxy, no_proxy: '', NO_PROXY: '169.254.169.254' } },
    ],
    [
      'for an IPv6 address that is excepted without brackets',
      { endpoint: 'http://[::1]', env: { HTTP_PROXY: proxy, NO_PROXY: '::1' } },
    ],
    ['for any exception', { env: { HTTP_PROXY: proxy, NO_PROXY: '*' } }],
  ])('%s', (_, setting) => {
    expect(of(setting)).toBeUndefined();
  });
});

test.each([
  [endpoint, true],
  ['http://127.0.0.1:8080', true],
  ['http://localhost', true],
  ['http://nmi.localhost', true],
  ['http://[::1]:80', true],
  ['http://[fe80::1]', true],
  ['http://[fd00:ec2::23]', true],
  ['http://[::ffff:127.0.0.1]', true],
  ['http://[::ffff:169.254.169.254]:80', true],
  ['http://[::ffff:0.0.0.0]', true],
  ['http://[::ffff:10.0.0.1]', false],
  ['http://[::ffff:0:0:1]', false],
  ['http://[64::ffff:7f00:1]', false],
  ['http://0.0.0.0:80', true],
  ['http://[::]', true],
  ['http://10.0.0.1', false],
  ['http://not-localhost', false],
  ['http://a.localhost.example', false],
  ['http://0.0.0.0.example', false],
  ['http://imds.example', false],
])('%s is local: %s', (address, expected) => {
  expect(isLocal(address)).toBe(expected);
});
