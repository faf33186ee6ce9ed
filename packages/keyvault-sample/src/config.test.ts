import { expect, test } from 'vitest';
import { readConfig } from './config.ts';

const good = { KEYVAULT_URL: 'https://demo.vault.azure.net', SECRET_NAMES: 'first,second' };
const problemsOf = (env: Record<string, string>) => {
  const result = readConfig({ ...good, ...env });
  return 'problems' in result ? result.problems : [];
};

test('* stands for all names of a kind', () => {
  expect(readConfig({ ...good, SECRET_NAMES: ' * ', KEY_NAMES: 'one' })).toMatchObject({
    items: [
      { kind: 'secret', name: '*' },
      { kind: 'key', name: 'one' },
    ],
  });
});

test('two variables are enough', () => {
  expect(readConfig(good)).toEqual({
    vaultUrl: 'https://demo.vault.azure.net',
    items: [
      { kind: 'secret', name: 'first' },
      { kind: 'secret', name: 'second' },
    ],
    isImds: false,
    clientId: undefined,
    intervalMs: 30_000,
    reads: Infinity,
    port: 8080,
    address: undefined,
    skipChallengeVerification: false,
    proxies: { vault: undefined, tokens: undefined, metadataHost: '169.254.169.254' },
  });
});

test('all problems are reported together, each with its variable', () => {
  const result = readConfig({
    KEYVAULT_URL: 'http://demo',
    INTERVAL_SECONDS: '0',
    READS: 'x',
    CREDENTIAL: 'cli',
    PORT: '65536',
    HTTPS_PROXY: 'proxy:3128',
  });
  expect('problems' in result && result.problems.map((problem) => problem.split(' ')[0])).toEqual([
    'KEYVAULT_URL',
    'CREDENTIAL',
    'SECRET_NAMES,',
    'INTERVAL_SECONDS',
    'READS',
    'PORT',
    'HTTPS_PROXY',
  ]);
});

test('blanks around values are removed, and a variable without a value is as one that is not set', () => {
  const config = readConfig({
    KEYVAULT_URL: ' https://demo.vault.azure.net/\n',
    SECRET_NAMES: ' first , second,, ',
    KEY_NAMES: 'signing\n',
    CERTIFICATE_NAMES: ' ',
    INTERVAL_SECONDS: ' 5 ',
    READS: '',
    CREDENTIAL: ' imds ',
    AZURE_CLIENT_ID: ' 11111111-2222-4333-8444-555555555555\n',
    PORT: ' ',
  });
  expect(config).toMatchObject({
    vaultUrl: 'https://demo.vault.azure.net',
    items: [
      { kind: 'secret', name: 'first' },
      { kind: 'secret', name: 'second' },
      { kind: 'key', name: 'signing' },
    ],
    isImds: true,
    clientId: '11111111-2222-4333-8444-555555555555',
    intervalMs: 5000,
    reads: Infinity,
    port: 8080,
  });
});

test.each([
  // A timer of Node.js takes at most 2^31 - 1 ms, and fires at once for more.
  ['INTERVAL_SECONDS', '3000000', 'INTERVAL_SECONDS must be a number from 1 to 86400 in digits'],
  ['INTERVAL_SECONDS', '1e9999', 'INTERVAL_SECONDS must be a number from 1 to 86400 in digits'],
  ['INTERVAL_SECONDS', '0x10', 'INTERVAL_SECONDS must be a number from 1 to 86400 in digits'],
  ['READS', '1.5', 'READS must be a number from 1 to 1000000 in digits'],
  ['READS', 'Infinity', 'READS must be a number from 1 to 1000000 in digits'],
  ['PORT', '-1', 'PORT must be a number from 0 to 65535 in digits'],
  ['CREDENTIAL', 'Default', 'CREDENTIAL must be default or imds'],
  ['SECRET_NAMES', 'data_base', 'SECRET_NAMES must have names of 1 to 127 letters, digits and hyphens, or *'],
  ['KEY_NAMES', 'a/b', 'KEY_NAMES must have names of 1 to 127 letters, digits and hyphens, or *'],
  [
    'KEYVAULT_URL',
    'https://demo.vault.azure.net/secrets/first',
    'KEYVAULT_URL must be the address of a vault, such as https://my-vault.vault.azure.net',
  ],
])('%s=%s is refused with what would be accepted', (variable, value, problem) => {
  expect(problemsOf({ [variable]: value })).toEqual([problem]);
});

test('a value that may have a password is not repeated', () => {
  const problems = problemsOf({
    KEYVAULT_URL: 'https://user:hidden@demo.vault.azure.net',
    HTTPS_PROXY: 'http://user:hidden@a b:3128',
  });
  expect(problems).toHaveLength(2);
  expect(problems.join()).not.toContain('hidden');
});

test('a name that is given twice is read once', () => {
  expect(readConfig({ ...good, SECRET_NAMES: 'one,one' })).toMatchObject({
    items: [{ kind: 'secret', name: 'one' }],
  });
});

test.each<[says: string, env: Record<string, string>, isProxied: boolean]>([
  ['a proxy without exceptions', { HTTPS_PROXY: 'http://proxy:3128' }, true],
  ['a proxy in small letters', { http_proxy: 'http://proxy:3128' }, true],
  ['a proxy with the exception', { HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'a, 169.254.169.254' }, false],
  [
    'exceptions in small letters',
    { HTTPS_PROXY: 'http://p', NO_PROXY: '', no_proxy: '169.254.169.254' },
    false,
  ],
  [
    'a proxy, and imds-client, which never uses one',
    { HTTPS_PROXY: 'http://proxy', CREDENTIAL: 'imds' },
    false,
  ],
])('%s: that tokens are requested through it is %s', (_, env, isProxied) => {
  const config = readConfig({ ...good, ...env });
  expect('proxies' in config && config.proxies.tokens !== undefined).toBe(isProxied);
});

test.each([
  'proxy:3128',
  'http://user:hidden@127.0.0.1:99999',
  'http://user:hidden@a b:3128',
  ' http://proxy',
  'socks5://proxy:1080',
])('HTTPS_PROXY=%s, which the SDK does not take, is refused without its text', (value) => {
  expect(problemsOf({ HTTPS_PROXY: value })).toEqual([
    'HTTPS_PROXY must be the address of an HTTP proxy, such as http://proxy.example.com:3128',
  ]);
});

test('the host of AZURE_POD_IDENTITY_AUTHORITY_HOST is the one that NO_PROXY must have', () => {
  const env = {
    ...good,
    HTTPS_PROXY: 'http://proxy',
    AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://10.0.0.9:80',
  };
  const tokensOf = (NO_PROXY: string) => readConfig({ ...env, NO_PROXY });
  expect(tokensOf('10.0.0.9')).toMatchObject({ proxies: { tokens: undefined, metadataHost: '10.0.0.9' } });
  expect(tokensOf('169.254.169.254')).toMatchObject({ proxies: { tokens: 'HTTPS_PROXY' } });
});
