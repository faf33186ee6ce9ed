// An API server, or a proxy before it, with invalid responses.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectKube } from '@pod-identity/kit/kube';
import { hostilities, startHostileServer, type HostileServer } from '@pod-identity/sim';
import { afterwards, kubeconfigFile } from './fixtures/server.ts';

let server: HostileServer;
beforeAll(async () => {
  server = await startHostileServer();
});
afterAll(() => server.close());

/** Silence ends by the deadline. */
const timeoutMs = 300;
const request = { method: 'GET', path: '/api/v1/namespaces/a/secrets/b', timeoutMs } as const;
const connect = async () => {
  const transport = await connectKube({ kubeconfig: kubeconfigFile(server.url), userAgent: 'kit' });
  afterwards(() => transport.close());
  return transport;
};
const all = async (events: AsyncIterable<unknown>) => {
  for await (const event of events) expect(event).toBe('no event');
};

describe.each(hostilities)('an API server that %s', (script) => {
  it('makes requests fail, and later more requests than connections get a response', async () => {
    const transport = await connect();
    server.play(script);
    const answers = await Promise.allSettled(Array.from({ length: 20 }, () => transport.request(request)));
    for (const answer of answers)
      expect(answer).toMatchObject({ status: 'rejected', reason: { name: 'KubeError' } });
    server.play({ json: '{"kind":"Secret"}' });
    const patient = { ...request, timeoutMs: 60_000 };
    await expect(transport.request(patient)).resolves.toEqual({ kind: 'Secret' });
    await transport.close();
    await server.quiet();
  });

  it('ends a list, and leaves no connection', async () => {
    const transport = await connect();
    server.play(script);
    const listing = transport.request({ ...request, onItem: () => undefined });
    await expect(listing).rejects.toMatchObject({ name: 'KubeError' });
    await transport.close();
    await server.quiet();
  });

  it('ends a watch, and leaves no connection', async () => {
    const transport = await connect();
    server.play(script);
    await all(transport.watch(request)).catch((error: unknown) =>
      expect(error).toMatchObject({ name: 'KubeError' }),
    );
    await transport.close();
    await server.quiet();
  });
});

it('no redirect was followed', () => {
  expect(server.asked.length).toBeGreaterThan(hostilities.length);
  expect(server.asked.filter((line) => line.includes('elsewhere'))).toEqual([]);
});
