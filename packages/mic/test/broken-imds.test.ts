// The metadata service, or another server in its place, with invalid responses.
import { hostilities, startHostileServer, type HostileServer } from '@pod-identity/sim';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createImdsClient, isImdsError } from '@pod-identity/imds-client';

let server: HostileServer;
beforeAll(async () => {
  server = await startHostileServer();
});
afterAll(() => server.close());

const ask = (requestTimeoutMs: number, abortSignal?: AbortSignal) => {
  const once = { cache: false, maxRetries: 0 };
  const client = createImdsClient({ endpoint: server.url, ...once, requestTimeoutMs });
  return client.getToken({ resource: 'arm', ...(abortSignal && { abortSignal }) });
};

describe.each(hostilities)('a metadata service that %s', (script) => {
  it('returns no token and leaves no connection; the next request is a new one', async () => {
    server.play(script);
    await expect(ask(300)).rejects.toSatisfy(isImdsError);
    await server.quiet();
    server.play({ json: JSON.stringify({ access_token: 't', expires_in: '3600' }) });
    await expect(ask(5_000)).resolves.toMatchObject({ token: 't' });
    await server.quiet();
  });
});

it.each(['sends a body without end', 'sends a bomb', 'sends an error without end'] as const)(
  'of one that %s no more is read than an answer can have',
  async (script) => {
    server.play(script);
    await expect(ask(60_000)).rejects.toMatchObject({ code: 'invalid-response' });
    await server.quiet();
  },
);

it('a request whose signal is aborted already is not sent', async () => {
  const before = server.asked.length;
  await expect(ask(300, AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
  expect(server.asked).toHaveLength(before);
});

it('no redirect was followed', () => {
  expect(server.asked.filter((line) => line.includes('elsewhere'))).toEqual([]);
});
