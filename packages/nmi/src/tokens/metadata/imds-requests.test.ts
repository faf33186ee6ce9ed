import type { FetchLike } from '@pod-identity/imds-client';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it, vi } from 'vitest';
import { createImdsRequests } from './imds-requests.ts';

const responseOf = (body: object, status = 200) => new Response(JSON.stringify(body), { status });

function stage(fetch: FetchLike) {
  const clock = createFakeClock();
  const sent = vi.fn(fetch);
  const { getToken } = createImdsRequests({ endpoint: 'http://h', metadata: { fetch: sent }, clock });
  return { clock, sent, ask: () => getToken({ resource: 'r', identity: { resourceId: '/a' } }) };
}

it('sends one request for each token, and keeps none', async () => {
  const { ask, sent } = stage(() => Promise.resolve(responseOf({ access_token: 't', expires_in: '3600' })));
  const tokens = [await ask(), ...(await Promise.all([ask(), ask()]))];
  expect(tokens.map(({ token }) => token)).toEqual(['t', 't', 't']);
  const path = '/metadata/identity/oauth2/token?api-version=2018-02-01&resource=r&msi_res_id=%2Fa';
  expect(sent.mock.calls.map(([url]) => url)).toEqual(Array.from({ length: 3 }, () => `http://h${path}`));
});

it('repeats none, and says why there is no token', async () => {
  const refusal = { error: 'invalid_request', error_description: 'Identity not found' };
  const { ask, sent } = stage(() => Promise.resolve(responseOf(refusal, 503)));
  await expect(ask()).rejects.toMatchObject({
    code: 'unavailable',
    status: 503,
    reason: 'the endpoint answered 503 invalid_request: Identity not found',
    identity: { resourceId: '/a' },
  });
  expect(sent).toHaveBeenCalledTimes(1);
});

it('gives a token to a node whose clock is ahead', async () => {
  const expired = { access_token: 't', expires_in: '60', expires_on: '0' };
  const { ask, clock } = stage(() => Promise.resolve(responseOf(expired)));
  expect((await ask()).expiresOnTimestamp).toBe(clock.now() + 60_000);
});

it('ends a request that gets no response in time, and what is read of one', async () => {
  const { ask, clock, sent } = stage(
    (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('of the transport')));
      }),
  );
  const asked = expect(ask()).rejects.toMatchObject({
    code: 'timeout',
    reason: 'http://h did not answer within 5000 ms',
  });
  await clock.advance(4_999);
  expect(sent.mock.calls[0]?.[1].signal.aborted).toBe(false);
  await clock.advance(1);
  await asked;
});

it('ends a response that is longer than one with a token', async () => {
  const { ask, sent } = stage(() => Promise.resolve(new Response('x'.repeat(64 * 1024 + 1))));
  await expect(ask()).rejects.toMatchObject({ code: 'invalid-response' });
  expect(sent.mock.calls[0]?.[1].signal.aborted).toBe(true);
});

it('leaves no timer behind, and a bug stays one', async () => {
  const { ask, clock } = stage(() => Promise.reject(new TypeError('x is undefined')));
  await expect(ask()).rejects.toThrow(TypeError);
  expect(clock.pending).toBe(0);
});
