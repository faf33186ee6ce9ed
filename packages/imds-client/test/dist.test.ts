// The built library, imported and required by Node 20, against a server on loopback.
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findNode20, whyNoNode20 } from '../../kit/src/testing/node-20.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import manifest from '../package.json' with { type: 'json' };

const packageFolder = fileURLToPath(new URL('..', import.meta.url));
/** What is in `dist` may be older than the sources. */
const folder = mkdtempSync(join(tmpdir(), 'imds-client-'));
const node20 = findNode20();
const missing = whyNoNode20(node20);
if (missing !== undefined) console.warn(`the built imds-client is not tested in Node 20: ${missing}`);

const program = `
  const client = createImdsClient();
  const [one, two] = await Promise.all([1, 2].map(() => client.getToken({ resource: 'https://vault.azure.net' })));
  const refused = await createImdsCredential({ identity: { clientId: 'unknown' } }).getToken('x/.default').catch((error) => error);
  console.log(JSON.stringify([one.token === two.token && one.token, isImdsError(refused) && refused.code]));
`;
const names = '{ createImdsClient, createImdsCredential, isImdsError }';

const server = createServer((request, response) => {
  const isKnown = request.headers['metadata'] === 'true' && !request.url!.includes('client_id=unknown');
  const refusal = { error: 'invalid_request', error_description: 'Identity not found' };
  response.writeHead(isKnown ? 200 : 400, { 'content-type': 'application/json' });
  response.end(JSON.stringify(isKnown ? { access_token: 'built', expires_in: '3600' } : refusal));
});

describe.skipIf(missing !== undefined)('the built imds-client in Node 20', () => {
  beforeAll(async () => {
    const command = `tsup --no-dts --no-clean --out-dir ${join(folder, 'dist')}`;
    execFileSync(command, { cwd: packageFolder, shell: '/bin/sh', stdio: 'pipe' });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  }, 120_000);
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });

  test.each([
    ['imported', 'module', `import ${names} from './dist/index.mjs';${program}`],
    ['required', 'commonjs', `const ${names} = require('./dist/index.cjs');(async () => {${program}})();`],
  ])('gets a token and tells a refusal when it is %s', async (_, type, code) => {
    const { stdout } = await promisify(execFile)(node20!, [`--input-type=${type}`, '--eval', code], {
      cwd: folder,
      env: {
        AZURE_POD_IDENTITY_AUTHORITY_HOST: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      },
    });
    expect(JSON.parse(stdout)).toEqual(['built', 'identity-not-found']);
  });

  test('prints a token as a command, and tells a refusal', async () => {
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const command = ['dist/command.mjs', 'token', '--resource', 'r', '--endpoint', endpoint];
    const run = (...more: string[]) => promisify(execFile)(node20!, [...command, ...more], { cwd: folder });
    expect(JSON.parse((await run()).stdout)).toMatchObject({ accessToken: 'built' });
    await expect(run('--client-id', 'unknown')).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('No token: the endpoint answered 400'),
    });
  });

  // What the README pipes into `kubectl exec -i POD -- node`.
  test('runs as a command from its standard input, also in the Node of this test', async () => {
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const args = [
      '--input-type=module',
      '-',
      'token',
      '--resource',
      'r',
      '--explain',
      '--endpoint',
      endpoint,
    ];
    for (const node of [node20!, process.execPath]) {
      const running = promisify(execFile)(node, args, { cwd: '/' });
      running.child.stdin!.end(readFileSync(`${folder}/${manifest.bin}`));
      expect((await running).stdout).toContain('result     a token');
    }
  });

  test('recognises an error of the other module format', async () => {
    const code = `
      import { ImdsError, isImdsError } from './dist/index.mjs';
      import common from './dist/index.cjs';
      const errors = [new ImdsError('denied', 'x'), new common.ImdsError('denied', 'x')];
      console.log(JSON.stringify(errors.map((error) => [isImdsError(error), common.isImdsError(error)])));
    `;
    const { stdout } = await promisify(execFile)(node20!, ['--input-type=module', '--eval', code], {
      cwd: folder,
    });
    expect(JSON.parse(stdout)).toEqual([
      [true, true],
      [true, true],
    ]);
  });

  test('is a command that can be started', () => {
    expect(readFileSync(`${folder}/${manifest.bin}`, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});
