// What NMI asks answers as no server should: every question ends, with a failure, and no connection of it is left.
import { createImdsClient } from '@pod-identity/imds-client';
import { createLimit } from '@pod-identity/kit/core';
import { hostilities, startHostileServer, type HostileServer } from '@pod-identity/sim';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMetadataService } from '../src/metadata-service.ts';
import { createEntraHttp } from '../src/tokens/principal/entra-http.ts';

let server: HostileServer;
beforeAll(async () => {
  server = await startHostileServer();
});
afterAll(() => server.close());

/** Silence is as good as any: it ends by the deadline. */
const timeoutMs = 300;
const token = JSON.stringify({ access_token: 't', expires_in: '3600', resource: 'r', token_type: 'Bearer' });

describe.each(hostilities)('a server that %s', (script) => {
  it('as metadata service gives no token, and all places back', async () => {
    const metadata = createMetadataService();
    const imds = createImdsClient({
      ...{ endpoint: server.url, cache: false, maxRetries: 0 },
      ...{ requestTimeoutInMs: timeoutMs, fetch: metadata.fetch },
    });
    const inTurn = createLimit(5);
    server.play(script);
    const asking = Array.from({ length: 10 }, (_, index) =>
      inTurn(() => imds.getToken({ resource: `${index}` })),
    );
    for (const { status } of await Promise.allSettled(asking)) expect(status).toBe('rejected');
    await server.quiet();
    server.play({ json: token });
    await expect(inTurn(() => imds.getToken({ resource: 'r' }))).resolves.toMatchObject({ token: 't' });
    metadata.close();
  });

  it('as login endpoint gives no token, and the place back', async () => {
    const entra = createEntraHttp({ timeoutMs });
    server.play(script);
    const post = { url: `${server.url}/token`, headers: {}, body: 'secret' };
    const answers = await Promise.all(Array.from({ length: 16 }, () => entra.post(post)));
    for (const answer of answers)
      if (answer.kind === 'answer')
        expect([answer.status === 200, answer.body]).not.toEqual([true, expect.anything()]);
    server.play({ json: token });
    await expect(entra.post(post)).resolves.toMatchObject({ status: 200, body: { access_token: 't' } });
    await entra.close();
    await server.quiet();
  });
});

it('no redirect was followed', () => {
  expect(server.asked.length).toBeGreaterThan(hostilities.length);
  expect(server.asked.filter((line) => line.includes('elsewhere'))).toEqual([]);
});
