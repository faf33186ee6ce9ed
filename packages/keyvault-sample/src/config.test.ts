import { createImdsCredential } from '@pod-identity/imds-client';
import { afterEach, expect, test, vi } from 'vitest';
import { readConfig } from './config.ts';

const good = { KEYVAULT_URL: 'https://demo.vault.azure.net', SECRET_NAMES: 'first,second' };
const problemsOf = (env: Record<string, string>) => {
  const result = readConfig({ ...good, ...env });
  return 'problems' in result ? result.problems : [];
};

test('* stands for all names of a kind, alone', () => {
  expect(readConfig({ ...good, SECRET_NAMES: ' * ', KEY_NAMES: 'one' })).toMatchObject({
    items: [
      { kind: 'secret', name: '*' },
      { kind: 'key', name: 'one' },
    ],
  });
  expect(readConfig({ ...good, SECRET_NAMES: '*,one' })).toEqual({
    problems: ['SECRET_NAMES must have either names or * alone, which stands for all'],
  });
});

afterEach(() => vi.unstubAllEnvs());

test('two variables are enough', () => {
  expect(readConfig(good)).toEqual({
    vaultUrl: 'https://demo.vault.azure.net',
    items: [
      { kind: 'secret', name: 'first' },
      { kind: 'secret', name: 'second' },
    ],
    credential: 'default',
    clientId: undefined,
    intervalMs: 30_000,
    reads: Infinity,
    port: 8080,
    address: undefined,
    skipChallengeVerification: false,
    warnings: [],
  });
});

test('all problems are reported together, each with its variable', () => {
  const result = readConfig({
    KEYVAULT_URL: 'http://demo',
    INTERVAL_SECONDS: '0',
    READS: 'x',
    CREDENTIAL: 'cli',
    PORT: '65536',
    LISTEN_ADDRESS: 'nonsense',
    KEYVAULT_SKIP_CHALLENGE_VERIFICATION: '1',
    AZURE_POD_IDENTITY_AUTHORITY_HOST: '169.254.169.254',
    HTTPS_PROXY: 'proxy:3128',
  });
  expect('problems' in result && result.problems.map((problem) => problem.split(' ')[0])).toEqual([
    'KEYVAULT_URL',
    'SECRET_NAMES,',
    'CREDENTIAL',
    'INTERVAL_SECONDS',
    'READS',
    'PORT',
    'LISTEN_ADDRESS',
    'KEYVAULT_SKIP_CHALLENGE_VERIFICATION',
    'AZURE_POD_IDENTITY_AUTHORITY_HOST',
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
    credential: 'imds',
    clientId: '11111111-2222-4333-8444-555555555555',
    intervalMs: 5000,
    reads: Infinity,
    port: 8080,
  });
});

test.each([
  // A timer of Node.js takes at most 2^31 - 1 ms, and fires at once for more.
  ['INTERVAL_SECONDS', '3000000', 'INTERVAL_SECONDS must be a number from 1 to 86400, not "3000000"'],
  ['INTERVAL_SECONDS', '1e9999', 'INTERVAL_SECONDS must be a number from 1 to 86400, not "1e9999"'],
  ['INTERVAL_SECONDS', '0x10', 'INTERVAL_SECONDS must be a number from 1 to 86400, not "0x10"'],
  ['READS', '1.5', 'READS must be a whole number from 1 to 1000000, not "1.5"'],
  ['READS', 'Infinity', 'READS must be a whole number from 1 to 1000000, not "Infinity"'],
  ['PORT', '-1', 'PORT must be a whole number from 0 to 65535, not "-1"'],
  ['CREDENTIAL', 'Default', 'CREDENTIAL must be one of default, imds, not "Default"'],
  [
    'SECRET_NAMES',
    'data base',
    'SECRET_NAMES has "data base": a name has 1 to 127 letters, digits and hyphens',
  ],
  ['KEY_NAMES', 'a/b', 'KEY_NAMES has "a/b": a name has 1 to 127 letters, digits and hyphens'],
  [
    'CERTIFICATE_NAMES',
    Array.from({ length: 51 }, (_, index) => `n${index}`).join(','),
    'SECRET_NAMES, KEY_NAMES and CERTIFICATE_NAMES have 53 names; at most 50 are read',
  ],
  [
    'KEYVAULT_URL',
    'https://demo.vault.azure.net/secrets/first',
    'KEYVAULT_URL must be the https address of a vault alone, such as https://my-vault.vault.azure.net, not "https://demo.vault.azure.net/secrets/first"',
  ],
  [
    'AZURE_CLIENT_ID',
    'demo',
    'AZURE_CLIENT_ID must be the client id of an identity, 8-4-4-4-12 hexadecimal digits, not "demo"',
  ],
])('%s=%s is refused with what would be accepted', (variable, value, problem) => {
  expect(problemsOf({ [variable]: value })).toEqual([problem]);
});

test.each([
  'nonsense',
  '127.0.0.256',
  '127.0.0',
  '0127.0.0.1',
  '[::1]',
  '::1::',
  ':8080',
  '10.0.0.1:80',
  '*',
  '10.0.0.0/8',
])('LISTEN_ADDRESS=%s is refused: nothing is looked up in DNS', (value) => {
  expect(problemsOf({ LISTEN_ADDRESS: value })).toEqual([
    `LISTEN_ADDRESS must be an IP address, such as 127.0.0.1 or ::, or localhost, not "${value}"`,
  ]);
});

test.each(['127.0.0.1', '0.0.0.0', '::', '::1', '::ffff:10.0.0.1', 'fd00::12', 'localhost'])(
  'LISTEN_ADDRESS=%s is accepted',
  (value) => {
    expect(readConfig({ ...good, LISTEN_ADDRESS: value })).toMatchObject({ address: value });
  },
);

test('a long value is cut in the message, and credentials in an address are not repeated', () => {
  const [long = ''] = problemsOf({ READS: 'x'.repeat(5000) });
  expect(long.length).toBeLessThan(200);
  const [credentials = ''] = problemsOf({ KEYVAULT_URL: 'https://user:hidden@demo.vault.azure.net' });
  expect(credentials).toContain('KEYVAULT_URL');
  expect(credentials).not.toContain('hidden');
});

test('a name that is given twice is read once', () => {
  expect(readConfig({ ...good, SECRET_NAMES: 'one,ONE,one' })).toMatchObject({
    items: [{ kind: 'secret', name: 'one' }],
  });
});

test.each<[says: string, env: Record<string, string>, warns: boolean]>([
  ['a proxy without exceptions', { HTTPS_PROXY: 'http://user:hidden@proxy:3128' }, true],
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
])('%s: a warning that tokens would be requested through it is %s', (_, env, warns) => {
  const config = readConfig({ ...good, ...env });
  const warnings = 'warnings' in config ? config.warnings : [];
  expect(warnings).toHaveLength(warns ? 1 : 0);
  expect(warnings.join()).not.toContain('hidden');
  if (warns) expect(warnings[0]).toContain('NO_PROXY');
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

test.each([
  '',
  'http://127.0.0.1:2579',
  'https://metadata.example/base/',
  'HTTP://[::1]:80',
  'http://metadata',
  '169.254.169.254',
  'ftp://host',
  'http:host',
  'http://',
  'http:///x',
  'http://host:',
  'http://host:/x',
  'http://host:0',
  'http://host:00',
  'http://host:99999',
  'http://[::1',
  'http://user:hidden@host',
  'http://host/?hidden=1',
  'http://host/#hidden',
  'http://host/a b',
  'http://host/\u202e',
  'http://host/metadata/identity/oauth2/token',
  'http://host//base/METADATA',
])(
  'AZURE_POD_IDENTITY_AUTHORITY_HOST=%s is refused where the credential of imds-client refuses it',
  (value) => {
    const variable = 'AZURE_POD_IDENTITY_AUTHORITY_HOST';
    vi.stubEnv(variable, value);
    let isRefused = false;
    try {
      createImdsCredential();
    } catch {
      isRefused = true;
    }
    expect(problemsOf({ [variable]: value })).toEqual(
      isRefused
        ? [
            `${variable} must be the http or https address of a metadata service, such as http://169.254.169.254, without blanks, a user, a query or the path /metadata`,
          ]
        : [],
    );
  },
);

// @azure/identity appends its path to the value with the blank.
test('AZURE_POD_IDENTITY_AUTHORITY_HOST with a blank at its end is refused, whatever the credential is', () => {
  for (const CREDENTIAL of ['default', 'imds'])
    expect(problemsOf({ AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1 ', CREDENTIAL })).toHaveLength(
      1,
    );
});

test('the host of AZURE_POD_IDENTITY_AUTHORITY_HOST is the one that NO_PROXY must have', () => {
  const env = {
    ...good,
    HTTPS_PROXY: 'http://proxy',
    AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://10.0.0.9:80',
  };
  expect(readConfig({ ...env, NO_PROXY: '10.0.0.9' })).toMatchObject({ warnings: [] });
  const config = readConfig({ ...env, NO_PROXY: '169.254.169.254' });
  expect('warnings' in config && config.warnings).toEqual([
    expect.stringContaining('Add 10.0.0.9 to NO_PROXY'),
  ]);
});

test.each([
  'AZURE_FEDERATED_TOKEN_FILE',
  'AZURE_CLIENT_SECRET',
  'AZURE_CLIENT_CERTIFICATE_PATH',
  'AZURE_TOKEN_CREDENTIALS',
  'IDENTITY_ENDPOINT',
  'MSI_ENDPOINT',
])('%s, which diverts DefaultAzureCredential, is a warning without its value', (variable) => {
  const config = readConfig({ ...good, [variable]: 'hidden' });
  const warnings = 'warnings' in config ? config.warnings : [];
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(new RegExp(`^${variable} is set: DefaultAzureCredential (tries|asks) `));
  expect(warnings[0]).not.toContain('hidden');
  expect(readConfig({ ...good, [variable]: 'hidden', CREDENTIAL: 'imds' })).toMatchObject({ warnings: [] });
});
