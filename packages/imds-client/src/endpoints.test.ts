// What the default transport and fetch say of endpoints that cannot give a token, and how they ask one that has a path.
import { ManagedIdentityCredential } from '@azure/identity';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createImdsClient } from './client.ts';

const servers: Server[] = [];
afterEach(() => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) server.close();
});

/** A server that answers the first bytes of a connection with these, and the number of its connections. */
async function serve(text: string): Promise<{ address: string; count: () => number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined).once('data', () => socket.end(text));
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, count: () => connections };
}

describe.each([
  ['of its own', undefined],
  ['fetch', fetch],
])('by the transport %s', (_, transport) => {
  test('an endpoint of https that does not speak TLS is told as such, and not asked again', async () => {
    const { address, count } = await serve('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
    const getting = createImdsClient({ endpoint: `https://${address}`, transport }).getToken({
      resource: 'r',
    });
    await expect(getting).rejects.toMatchObject({
      code: 'invalid-response',
      retryable: false,
      reason: expect.stringMatching(
        /^https:\/\/[\d.:]+ does not speak TLS, or not as this runtime does \(\w+\)$/,
      ) as unknown,
    });
    expect(count()).toBe(1);
  });
});

test('a port that fetch refuses is told by its own error', async () => {
  const getting = createImdsClient({ endpoint: 'http://127.0.0.1:6000', transport: fetch }).getToken({
    resource: 'r',
  });
  await expect(getting).rejects.toMatchObject({ name: 'TypeError', cause: { message: 'bad port' } });
});

describe('an endpoint with a path is asked below it', () => {
  const tokenPath = '/some/base/metadata/identity/oauth2/token';

  /** Names the endpoint in the environment; the paths that it is asked for, without a slash at the end. */
  async function serveBelowPath(): Promise<string[]> {
    const paths: string[] = [];
    const server = createHttpServer((request, response) => {
      const { pathname } = new URL(request.url ?? '', 'http://x');
      paths.push(pathname.replace(/\/$/, ''));
      const isAsked = request.headers['metadata'] === 'true';
      const body = isAsked
        ? { access_token: 't', expires_in: '3600', token_type: 'Bearer', resource: 'r', compute: {} }
        : { error: 'invalid_request' };
      response
        .writeHead(isAsked ? 200 : 400, { 'content-type': 'application/json' })
        .end(JSON.stringify(body));
    });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    // Proxies and other services of the machine that runs the test are not for this server.
    for (const name of ['NO_PROXY', 'no_proxy']) vi.stubEnv(name, '127.0.0.1');
    for (const name of ['IDENTITY_ENDPOINT', 'MSI_ENDPOINT']) vi.stubEnv(name, undefined);
    vi.stubEnv('AZURE_POD_IDENTITY_AUTHORITY_HOST', `http://127.0.0.1:${port}/some/base`);
    return paths;
  }

  test.each([
    ['of its own', undefined],
    ['fetch', fetch],
  ])('by the transport %s', async (_, transport) => {
    const paths = await serveBelowPath();
    const client = createImdsClient({ transport });
    expect(await client.isAvailable({ timeoutMs: 60_000 })).toBe(true);
    expect(await client.getToken({ resource: 'r' })).toMatchObject({ token: 't' });
    expect(paths).toEqual([tokenPath, tokenPath]);
  });

  test('by @azure/identity, too', async () => {
    const paths = await serveBelowPath();
    const { token } = await new ManagedIdentityCredential().getToken('r/.default');
    expect(token).toBe('t');
    expect(paths).toEqual([tokenPath]);
  });
});
