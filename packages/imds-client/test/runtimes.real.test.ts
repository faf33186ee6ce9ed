// The sources as a program of their own, in each runtime: whom it asks, and when it ends.
import { execFile } from 'node:child_process';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test as plainTest } from 'vitest';
import { programs, providePrograms } from '../../../tools/consumers/programs.ts';

const source = fileURLToPath(new URL('../src/index.ts', import.meta.url));

interface Runtime {
  readonly name: string;
  /** The program, and what comes before the code. */
  readonly command: readonly string[];
  readonly isMissing: boolean;
}

const missing = await providePrograms();
if (missing !== undefined) console.warn(`imds-client is not tested in Bun and Deno: ${missing}`);

const runtimes: readonly Runtime[] = [
  { name: 'Node', command: [process.execPath, '--input-type=module', '--eval'], isMissing: false },
  { name: 'Bun', command: [programs.bun, '--eval'], isMissing: missing !== undefined },
  { name: 'Deno', command: [programs.deno, 'eval'], isMissing: missing !== undefined },
];

/** The metadata service, a proxy, and what each of them was asked. */
const asked: string[] = [];
const servers: Server[] = [];
let held: ServerResponse[] = [];
let endpoint = '';
let proxy = '';

async function open(serve: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(serve);
  server.on('connect', (request, socket) => {
    asked.push(`proxy CONNECT ${request.url}`);
    socket.destroy();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const give = (response: ServerResponse, token: string) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ access_token: token, expires_in: '3600' }));
};

beforeAll(async () => {
  endpoint = await open((request, response) => {
    asked.push('endpoint');
    if (request.url!.includes('resource=held') && asked.length > 1) held.push(response);
    else give(response, 'right');
  });
  proxy = await open((request, response) => {
    asked.push(`proxy ${request.url}`);
    give(response, 'of the proxy');
  });
});
beforeEach(() => {
  [asked.length, held] = [0, []];
});
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/** The last line that the program prints. Execution ends after a minute. */
async function run({ command: [program = '', ...rest] }: Runtime, code: string): Promise<unknown> {
  const proxies = Object.fromEntries(
    ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'].map((name) => [name, proxy]),
  );
  const whole = `import { createImdsClient } from ${JSON.stringify(source)}; ${code}`;
  const { stdout } = await promisify(execFile)(program, [...rest, whole], {
    env: {
      ...proxies,
      AZURE_POD_IDENTITY_AUTHORITY_HOST: endpoint,
      HOME: process.env['HOME'] ?? '/',
      NODE_USE_ENV_PROXY: '1',
      NO_COLOR: '1',
    },
    timeout: 60_000,
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

const attempt = (options: string) => `
  const told = await (async () => createImdsClient(${options}).getToken({ resource: 'r' }))()
    .then(({ token }) => token, (error) => [error.name, error.message]);
  console.log(JSON.stringify(told));
`;

describe.for(runtimes)('in $name', (runtime) => {
  const test = plainTest.skipIf(runtime.isMissing);

  test('the default transport asks the endpoint, although the environment names a proxy that listens', async () => {
    expect(await run(runtime, attempt('{}'))).toBe('right');
    expect(asked).toEqual(['endpoint']);
  });

  test('an endpoint that nobody serves is told as such', async () => {
    expect(await run(runtime, attempt("{ endpoint: 'http://127.0.0.1:9', maxRetries: 0 }"))).toEqual([
      'ImdsError',
      'http://127.0.0.1:9 cannot be reached: ECONNREFUSED, nothing listens there (resource r, default identity)',
    ]);
  });

  test('a finished program ends while a refresh in the background has no response', async () => {
    const told = await run(
      runtime,
      `
      let now = 0;
      const clock = { now: () => now, sleep: () => Promise.resolve() };
      const client = createImdsClient({ testing: { clock } });
      await client.getToken({ resource: 'held' });
      now = 56 * 60_000;
      const { token } = await client.getToken({ resource: 'held' });
      console.log(JSON.stringify(token));
      `,
    );
    expect(told).toBe('right');
  });

  test('a program that waits for a token does not end before', async () => {
    const running = run(
      runtime,
      `await createImdsClient().getToken({ resource: 'first' }); ${attempt('{}').replace("'r'", "'held'")}`,
    );
    await expect.poll(() => held.length, { message: 'requests that are held' }).toBe(1);
    give(held[0]!, 'late');
    expect(await running).toBe('late');
  });
});
