// A clock of the node that is set back by an hour, as after a start with a wrong one, makes nobody wait longer.
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it, vi } from 'vitest';
import { callerOf, issuedTo, openQueue, subjectOf, wantedFor } from '../../test/builders.ts';
import { TokenError, type TokenErrorCode } from './errors.ts';
import { createTokenSource } from './source.ts';
import type { IssuedToken, WantedToken } from './types.ts';

const holdMs = 25_000;

const stage = () => {
  const clock = createFakeClock(1_800_000_000_000);
  const now = clock.now.bind(clock);
  let backMs = 0;
  clock.now = () => now() - backMs;
  const requestToken = vi.fn<(wanted: WantedToken) => Promise<IssuedToken>>();
  const random = () => 0;
  const source = createTokenSource({ upstream: { requestToken }, clock, random, queueFor: () => openQueue });
  const wanted = { subject: subjectOf('reader'), resource: 'r', bypassCache: false };
  const get = (tokens = source) => {
    const end: { value?: IssuedToken; error?: unknown } = {};
    tokens.get(wanted, { ...callerOf(), deadline: clock.elapsed() + holdMs }).then(
      ({ issued }) => (end.value = issued),
      (error: unknown) => (end.error = error),
    );
    return end;
  };
  const fail = (code: TokenErrorCode, status?: number) => () =>
    Promise.reject(new TokenError(code, 'not now', { status }));
  return { clock, requestToken, source, get, fail, setBack: () => (backMs = 3_600_000), random };
};

it('an identity that the metadata service does not know may be asked for again after a second', async () => {
  const { clock, requestToken, get, source, fail, setBack } = stage();
  requestToken.mockImplementation(fail('not-on-host', 400));
  const end = get();
  await clock.advance(0);
  expect(end.error).toMatchObject({ code: 'not-on-host' });
  setBack();
  expect(source.mayRequest(subjectOf('reader'), 'default')).toBe(false);
  await clock.advance(1_000);
  expect(source.mayRequest(subjectOf('reader'), 'default')).toBe(true);
});

it('a pause of a second that the service asked for ends after a second', async () => {
  const { clock, requestToken, get, fail, setBack } = stage();
  requestToken.mockImplementationOnce(fail('throttled', 429)).mockResolvedValue(issuedTo('reader'));
  get();
  await clock.advance(10);
  setBack();
  await clock.advance(1_000);
  const end = get();
  await clock.advance(10);
  expect(end.error).toBeUndefined();
  expect(end.value).toBeDefined();
});

it('a token of an identity without client id is renewed after ten minutes at the latest', async () => {
  const { clock, requestToken, source, setBack } = stage();
  const wanted = wantedFor(subjectOf('reader', { clientId: '' }));
  let count = 0;
  requestToken.mockImplementation(() => {
    count += 1;
    const token = `token-${count}`;
    return Promise.resolve(issuedTo('reader', { expiresInMs: 86_400_000, now: clock.now(), token }));
  });
  await source.get(wanted, callerOf());
  await clock.advance(1_000);
  setBack();
  await clock.advance(600_000);
  const { issued } = await source.get(wanted, callerOf());
  expect(issued.access.token).toBe('token-2');
  expect(source.cached(wanted, callerOf)).toMatchObject({ access: { token: 'token-2' } });
});
