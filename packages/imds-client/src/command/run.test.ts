import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { run } from './run.ts';

const secret = 'eyJhbGciOiJSUzI1NiJ9.eyJvaWQiOiJvLTEifQ.c2lnbmF0dXJl';
/** The clock of the command, in milliseconds; the client has that of the platform. */
const moment = Date.now() - 3_600_000;
const tokenBody = { access_token: secret, expires_on: String(moment / 1000 + 7_200) };
const refusalBody = { error: 'invalid_request', error_description: 'Identity not found' };
let requested: string[] = [];
let status = 200;
let reply: string | undefined;

const server = createServer((request, response) => {
  requested.push(request.url!);
  const isProbe = request.headers['metadata'] === undefined;
  const body = isProbe || status !== 200 ? refusalBody : tokenBody;
  response.writeHead(isProbe ? 400 : status, { 'content-type': 'application/json' });
  response.end((isProbe ? undefined : reply) ?? JSON.stringify(body));
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));
afterEach(() => {
  [requested, status, reply] = [[], 200, undefined];
  vi.unstubAllEnvs();
});

async function command(line: string, env: Record<string, string> = {}) {
  let [output, errors] = ['', ''];
  const code = await run({
    argv: line.split(' ').filter((word) => word !== ''),
    env,
    print: (text) => void (output += text),
    printError: (text) => void (errors += text),
    now: () => moment,
    elapsed: () => 0,
  });
  return { code, output, errors };
}
const endpoint = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const tokenLine = (more = '') => `token --resource https://vault.azure.net --endpoint ${endpoint()} ${more}`;

describe('the command token', () => {
  test('prints the token as JSON', async () => {
    const { code, output, errors } = await command(tokenLine('--client-id c'));
    expect([code, errors]).toEqual([0, '']);
    expect(JSON.parse(output)).toMatchObject({ accessToken: secret, tokenType: 'Bearer' });
    expect(requested).toEqual([expect.stringMatching(/&client_id=c$/)]);
  });

  test('explains instead, without the token', async () => {
    const { code, output, errors } = await command(tokenLine('--explain'));
    expect([code, errors]).toEqual([0, '']);
    expect(output).toContain(`endpoint   ${endpoint()} (--endpoint)`);
    expect(output).toContain('probe      a metadata service answers');
    expect(output).toContain('request 1  status 200');
    expect(output).toContain('claim      oid = "o-1"');
    expect(output).toMatch(/^expires .*, in 120 minutes$/m);
    for (const part of secret.split('.')) expect(output).not.toContain(part);
    expect(requested).toHaveLength(2);
  });

  test('fails with the sentence why and the remedy', async () => {
    status = 400;
    const { code, output, errors } = await command(tokenLine());
    expect([code, output]).toEqual([1, '']);
    expect(errors).toMatch(
      /^request 1 {2}status 400, after 0 ms\nNo token: the endpoint answered 400 invalid_request: Identity not found \(resource .*, default identity\)\.\n.*AzureIdentityBinding/,
    );
  });

  test.each<[string, number, string, RegExp]>([
    ['a web page', 403, '<html><p>Sign in', /: a web page, not a metadata service .*\n/],
    ['a web page with status 200', 200, ' <!doctype html><p>Sign in', /\nWhat answers there is no/],
    ['an expired token', 200, JSON.stringify({ ...tokenBody, expires_on: '5' }), /machine ahead\?/],
    ['no token', 200, '{}', /\nWhat answers there is no metadata service/],
  ])('has the remedy for %s', async (...row) => {
    const [, code, body, expected] = row;
    [status, reply] = [code, body];
    const { errors } = await command(tokenLine());
    expect(errors).toMatch(expected);
    expect(errors).not.toContain(secret);
  });

  test('explains a refusal, and fails', async () => {
    status = 400;
    const { code, output } = await command(tokenLine('--explain'));
    expect(code).toBe(1);
    expect(output).toContain('request 1  status 400');
    expect(output).toContain('result     no token (identity-not-found)');
  });

  test('explains that nobody answers', async () => {
    const { code, output } = await command(
      'token --resource r --endpoint http://127.0.0.1:9 --timeout 1 --explain',
    );
    expect(code).toBe(1);
    expect(output).toContain('probe      no metadata service answers');
    expect(output).toContain('request 1  no response: ECONNREFUSED');
    expect(output).toContain('cannot be reached: ECONNREFUSED, nothing listens there');
  });

  test('prints each request at once: a failed one as an error, or as a line of the explanation', async () => {
    const told: string[] = [];
    for (const more of [[], ['--explain']]) {
      status = more.length === 0 ? 400 : 403;
      await run({
        argv: ['token', '--resource', 'r', '--endpoint', endpoint(), ...more],
        env: {},
        print: (text) => void told.push(`out ${text}`),
        printError: (text) => void told.push(`err ${text}`),
        now: () => moment,
        elapsed: () => 0,
      });
    }
    expect(told.map((text) => text.slice(0, 34).split('\n')[0])).toEqual([
      'err request 1  status 400, after 0',
      'err No token: the endpoint answere',
      `out endpoint   ${endpoint()}`.slice(0, 34),
      'out probe      a metadata service ',
      'out request 1  status 403, after 0',
      'out result     no token (denied): ',
      'out advice     DefaultAzureCredent',
    ]);
  });

  test('asks where the environment says', async () => {
    vi.stubEnv('AZURE_POD_IDENTITY_AUTHORITY_HOST', endpoint());
    const env = { AZURE_POD_IDENTITY_AUTHORITY_HOST: endpoint() };
    const { output } = await command('token --resource r --explain', env);
    expect(output).toContain(`endpoint   ${endpoint()} (AZURE_POD_IDENTITY_AUTHORITY_HOST)`);
  });
});

describe('wrong arguments', () => {
  test.each([
    ['token', /^--resource is missing/],
    ['token --resource r --endpoint nowhere', /^endpoint must be an http or https address/],
    [
      'token --resource https://vault.azure.net/.default --endpoint http://127.0.0.1:9',
      /^resource must be an audience, not a scope: leave out/,
    ],
    [`token --${'x'.repeat(9999)}`, /^[^\n]{20,300}\nimds-client --help lists the options\.\n$/],
    ['token --resource=r --\u202e\u009b2J', /^[ -~]+\n/],
  ])('%s', async (line, message) => {
    const { code, output, errors } = await command(line);
    expect([code, output]).toEqual([2, '']);
    expect(errors).toMatch(message);
  });

  test('as none at all show the help', async () => {
    expect(await command('')).toMatchObject({ code: 2, output: expect.stringContaining('Usage:') });
  });
});

test('help and version are printed', async () => {
  expect(await command('--help')).toMatchObject({
    code: 0,
    output: expect.stringContaining('Usage:'),
    errors: '',
  });
  expect(await command('--version')).toEqual({ code: 0, output: `${manifest.version}\n`, errors: '' });
});

test('the timeout is for the probe and the token together', async () => {
  const hanging = createServer(() => undefined);
  await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve));
  let [output, moments] = ['', 0];
  await run({
    argv: `token --resource r --timeout 1 --explain --endpoint http://127.0.0.1:${(hanging.address() as AddressInfo).port}`.split(
      ' ',
    ),
    env: {},
    print: (text) => void (output += text),
    printError: () => undefined,
    now: () => moment,
    // 900 ms between any two moments: the probe has taken 900 of 1000.
    elapsed: () => 900 * moments++,
  });
  hanging.closeAllConnections();
  hanging.close();
  expect(output).toMatch(/did not answer within \d{1,3} ms|no usable response within \d{1,3} ms/);
});
