import type { RequestListener } from 'node:http';
import { describe, expect, test } from 'vitest';
import { connectKube, createAccessReviewer, subjectOf } from '@pod-identity/kit/kube';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterwards, kubeconfigFile, startServer } from './fixtures/server.ts';

const question = {
  subject: subjectOf('pay', 'web'),
  verb: 'use',
  group: 'azure.example',
  resource: 'managedidentities',
  name: '/subscriptions/s',
};

async function against(answer: RequestListener) {
  const server = await startServer(answer);
  const clock = createFakeClock();
  const transport = await connectKube({
    kubeconfig: kubeconfigFile(server.url),
    userAgent: 'kit',
    clock,
  });
  afterwards(() => transport.close());
  return { clock, reviewer: createAccessReviewer(transport) };
}

describe('a review over the wire', () => {
  test('returns the status of the created object', async () => {
    const { reviewer } = await against((_, response) => {
      const status = { allowed: true, reason: 'x'.repeat(100_000) };
      response.writeHead(201).end(JSON.stringify({ kind: 'SubjectAccessReview', status }));
    });
    expect(await reviewer.review(question)).toBe(true);
  });

  test.each([
    [400, 'invalid'],
    [403, 'denied'],
    [404, 'not-found'],
    [422, 'invalid'],
    [429, 'throttled'],
    [500, 'unavailable'],
    [503, 'unavailable'],
  ])('is not answered by a refusal with %d, even one that looks like a verdict', async (code, expected) => {
    const { reviewer } = await against((_, response) => {
      const status = { allowed: true };
      response.writeHead(code).end(JSON.stringify({ kind: 'SubjectAccessReview', status }));
    });
    await expect(reviewer.review(question)).rejects.toMatchObject({ code: expected, status: code });
  });

  test.each(['', 'ok', '{"kind":"SubjectAccessReview","status":{"allowed":true', '[]', 'true'])(
    'is not answered by what is no review: %s',
    async (body) => {
      const { reviewer } = await against((_, response) => response.end(body));
      await expect(reviewer.review(question)).rejects.toMatchObject({ name: 'KubeError' });
    },
  );

  test('fails when the server takes too long, even with a partial response', async () => {
    const arrived = Promise.withResolvers<undefined>();
    const { clock, reviewer } = await against((_, response) => {
      response.write('{"kind":"SubjectAccessReview","status":{"allowed":true}');
      arrived.resolve(undefined);
    });
    const failed = expect(reviewer.review(question)).rejects.toMatchObject({ code: 'transport' });
    await arrived.promise;
    await clock.advance(5_000);
    await failed;
  });

  test('ends when its signal aborts', async () => {
    const { reviewer } = await against(() => undefined);
    const asked = new AbortController();
    const failed = expect(reviewer.review(question, asked.signal)).rejects.toMatchObject({ code: 'aborted' });
    asked.abort();
    await failed;
  });
});
