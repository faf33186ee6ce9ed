// An endpoint that answers as no server should, by the default transport of imds-client and by fetch.
import { hostilities, startHostileServer, type HostileServer } from '@pod-identity/sim';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createImdsClient, isImdsError, type FetchLike } from '@pod-identity/imds-client';

let server: HostileServer;
beforeAll(async () => {
  server = await startHostileServer();
});
afterAll(() => server.close());

const clientOf = (requestTimeoutMs: number, transport: FetchLike | undefined) =>
  createImdsClient({ endpoint: server.url, maxRetries: 0, requestTimeoutMs, transport });

describe.each([
  ['node', undefined],
  ['fetch', fetch],
])('by %s', (_, transport) => {
  describe.each(hostilities)('an endpoint that %s', (script) => {
    test('gives no token, and the next one is asked for again', async () => {
      const client = clientOf(300, transport);
      server.play(script);
      await expect(client.getToken({ resource: 'r' })).rejects.toSatisfy(isImdsError);
      await server.quiet();
      server.play({ json: JSON.stringify({ access_token: 't', expires_in: '3600' }) });
      // A slow machine may not answer this one within the deadline either: then it is asked again.
      await expect.poll(() => client.getToken({ resource: 'r' })).toMatchObject({ token: 't' });
    });
  });

  test.each(['sends a body without end', 'sends a bomb', 'sends an error without end'] as const)(
    'of one that %s no more is read than an answer can have',
    async (script) => {
      server.play(script);
      const asking = clientOf(60_000, transport).getToken({ resource: 'r' });
      await expect(asking).rejects.toMatchObject({ code: 'invalid-response' });
      await server.quiet();
    },
  );
});

test('a transport that does not hear its signal is given up all the same', async () => {
  const deaf = clientOf(50, () => new Promise(() => undefined));
  await expect(deaf.getToken({ resource: 'r' })).rejects.toMatchObject({ code: 'timeout' });
});

test('no redirect was followed', () => {
  expect(server.asked.filter((line) => line.includes('elsewhere'))).toEqual([]);
});
