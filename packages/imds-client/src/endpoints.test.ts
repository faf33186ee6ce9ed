// What both transports of this package say of endpoints that cannot give a token.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createImdsClient } from './client.ts';

const servers: Server[] = [];
afterEach(() => {
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

describe.each(['node', 'fetch'] as const)('by the transport %s', (transport) => {
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

test('a port that fetch refuses is named', async () => {
  const getting = createImdsClient({ endpoint: 'http://127.0.0.1:6000', transport: 'fetch' }).getToken({
    resource: 'r',
  });
  await expect(getting).rejects.toThrow(TypeError);
  await expect(getting).rejects.toThrow(/the port of http:\/\/127\.0\.0\.1:6000:/);
});
