// ARM, or a proxy before it, with invalid responses.
import { systemClock } from '@pod-identity/kit/serve';
import { hostilities, startHostileServer, type HostileServer } from '@pod-identity/sim';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createArmClient } from '../src/azure/arm/arm-client.ts';

let server: HostileServer;
beforeAll(async () => {
  server = await startHostileServer();
});
afterAll(() => server.close());

function client(getToken = () => Promise.resolve('token')) {
  const endpoints = {
    resourceManager: server.url,
    authority: server.url,
    audience: 'a',
    customAuthority: true,
    computeApiVersion: '1',
  };
  return createArmClient({
    access: () => ({
      endpoints,
      credential: { getToken, invalidate: () => undefined },
    }),
    clock: systemClock,
    random: () => 0,
    userAgent: 'mic/test',
    // Silence ends by the deadline.
    requestTimeoutMs: 300,
  });
}

const { signal } = new AbortController();
const update = { method: 'PATCH', url: '/a', body: {}, signal } as const;

describe.each(hostilities)('ARM that %s', (script) => {
  it('makes requests fail and frees every connection; the next response is read', async () => {
    const arm = client();
    server.play(script);
    const answers = await Promise.all(Array.from({ length: 40 }, () => arm.send(update)));
    // The read part of a bomb or of a few bytes is not JSON, and not a response for the caller.
    for (const answer of answers)
      expect(answer.ok ? Object.keys(answer.value.body ?? {}) : ['error']).toEqual(['error']);
    server.play({ json: '{"id":"a"}' });
    // On a slow machine this may also exceed the deadline: then it is retried.
    await expect.poll(() => arm.send(update)).toMatchObject({ ok: true, value: { body: { id: 'a' } } });
    arm.close();
    await server.quiet();
  });
});

it('a page of megabytes with beginnings of tags alone is scanned once', async () => {
  // Takes an hour if the rest is scanned for each of them.
  const arm = client();
  server.play({ json: '<'.repeat(4 * 1024 * 1024 - 1) });
  await expect
    .poll(() => arm.send(update))
    .toMatchObject({ ok: true, value: { body: { error: { message: '<'.repeat(200) } } } });
  arm.close();
});

it('no redirect was followed, and URLs of operations elsewhere get no request', async () => {
  const arm = client();
  const before = server.asked.length;
  const operation = { method: 'GET', url: 'http://elsewhere.invalid/operation', signal } as const;
  expect(await arm.send(operation)).toMatchObject({ ok: false, failure: { kind: 'failed' } });
  expect(server.asked).toHaveLength(before);
  expect(server.asked.filter((line) => line.includes('elsewhere'))).toEqual([]);
  arm.close();
});

it('a PATCH whose sender no longer leads when its token arrives is not sent', async () => {
  const token = Promise.withResolvers<string>();
  const arm = client(() => token.promise);
  server.play({ json: '{"id":"a"}' });
  const before = server.asked.length;
  let isLeader = true;
  const answer = arm.send({ ...update, mayBeSent: () => isLeader });
  isLeader = false;
  token.resolve('token');
  expect(await answer).toEqual({ ok: false, failure: { kind: 'aborted' } });
  expect(server.asked).toHaveLength(before);
  arm.close();
});
