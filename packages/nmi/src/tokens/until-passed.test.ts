import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, it, vi } from 'vitest';
import { callerOf, issuedTo, openQueue } from '../../test/builders.ts';
import { createCallerLimits } from '../waiting/caller-limits.ts';
import { TokenError, type TokenErrorCode } from './errors.ts';
import { createTokenSource } from './source.ts';
import type { HostSubject, IssuedToken, TokenSubject, WantedToken } from './types.ts';
import { untilPassed } from './until-passed.ts';

const holdMs = 25_000;
const machine: HostSubject = { kind: 'machine', by: 'nothing' };
const stage = ({ upstreamBurst = 20, random = () => 0 } = {}) => {
  const clock = createFakeClock(1_000_000);
  const requestToken = vi.fn<(wanted: WantedToken) => Promise<IssuedToken>>();
  const limits = createCallerLimits({
    waiting: { total: 9, perNamespace: 9, perPod: 9 },
    upstreamBurst,
    upstreamPerSecond: 0.001,
  });
  const source = createTokenSource({ upstream: { requestToken }, clock, random, queueFor: () => openQueue });
  const tokens = untilPassed(source, { clock, random });
  const left = new AbortController();
  const get = (over: { subject?: TokenSubject; deadline?: number } = {}) => {
    const { subject = machine, deadline = clock.elapsed() + holdMs } = over;
    const caller = callerOf({
      admit: (questions) => limits.admitUpstream('uid-web', questions, clock.elapsed()),
      signal: left.signal,
    });
    const wanted = { subject, resource: 'r', bypassCache: false };
    const answer = tokens.get(wanted, { ...caller, deadline });
    // A failure is looked at when the clock has moved.
    answer.catch(() => undefined);
    return answer;
  };
  return { requestToken, clock, get, left, tokens };
};
const failing = (code: TokenErrorCode, status?: number, retryAfterMs?: number) => () =>
  Promise.reject(new TokenError(code, 'not now', { status, retryAfterMs }));

describe('a failure that may pass', () => {
  it.each<[TokenErrorCode, number | undefined]>([
    ['throttled', 429],
    ['unavailable', 404],
    ['updating', 410],
    ['unavailable', 500],
    ['unavailable', undefined],
  ])('%s (%s) once: the caller is held and gets the token', async (code, status) => {
    const { requestToken, clock, get } = stage();
    requestToken.mockImplementationOnce(failing(code, status)).mockResolvedValue(issuedTo('reader'));
    const answer = get();
    await clock.advance(holdMs);
    await expect(answer).resolves.toMatchObject({ from: 'miss' });
    expect(requestToken).toHaveBeenCalledTimes(2);
  });

  it('all the time: it is told within the hold, after few questions', async () => {
    const { requestToken, clock, get } = stage();
    requestToken.mockImplementation(failing('unavailable', 500));
    const answer = get();
    await clock.advance(holdMs);
    await expect(answer).rejects.toMatchObject({ code: 'unavailable', status: 500 });
    expect(requestToken.mock.calls.length).toBeGreaterThan(2);
    expect(requestToken.mock.calls.length).toBeLessThan(7);
    expect(clock.pending).toBe(0);
  });

  it('with a time to wait: nothing is asked before, and nobody is held for a time that is longer than the hold', async () => {
    const { requestToken, clock, get } = stage();
    requestToken
      .mockImplementationOnce(failing('throttled', 429, 7_000))
      .mockResolvedValue(issuedTo('reader'));
    const answer = get();
    await clock.advance(6_999);
    expect(requestToken).toHaveBeenCalledTimes(1);
    await clock.advance(1);
    await expect(answer).resolves.toMatchObject({ from: 'miss' });
    const short = stage();
    short.requestToken.mockImplementation(failing('throttled', 429, 60_000));
    await expect(short.get()).rejects.toMatchObject({ retryAfterMs: 60_000 });
  });

  it('while a second caller asks for the same: both get the token that is there in the end', async () => {
    const { requestToken, clock, get } = stage();
    requestToken.mockImplementationOnce(failing('updating', 410)).mockResolvedValue(issuedTo('reader'));
    const first = get();
    await clock.advance(100);
    const second = get();
    await clock.advance(holdMs);
    await expect(first).resolves.toBeDefined();
    await expect(second).resolves.toBeDefined();
    expect(requestToken).toHaveBeenCalledTimes(2);
  });

  it('each further question is charged to the pod: one that has no more is told so', async () => {
    const { requestToken, clock, get } = stage({ upstreamBurst: 2 });
    requestToken.mockImplementation(failing('unavailable', 500));
    const answer = get();
    await clock.advance(holdMs);
    await expect(answer).rejects.toMatchObject({
      code: 'throttled',
      message: expect.stringContaining('too often') as string,
    });
    expect(requestToken).toHaveBeenCalledTimes(2);
  });

  it('ends with its caller', async () => {
    const { requestToken, clock, get, left } = stage();
    requestToken.mockImplementation(failing('unavailable', 500));
    const answer = get();
    await clock.advance(100);
    left.abort();
    await expect(answer).rejects.toMatchObject({ code: 'unavailable' });
    expect([requestToken.mock.calls.length, clock.pending]).toEqual([1, 0]);
  });
});

it.each<[TokenErrorCode, number | undefined]>([
  // A refusal of NMI's own, not of the metadata service.
  ['throttled', undefined],
  ['denied', 401],
  ['refused', 400],
  ['misconfigured', 400],
])('%s is told at once', async (code, status) => {
  const { requestToken, get } = stage();
  requestToken.mockImplementation(failing(code, status));
  await expect(get()).rejects.toMatchObject({ code });
  expect(requestToken).toHaveBeenCalledTimes(1);
});

it('at the deadline it is asked once more', async () => {
  const { requestToken, clock, get } = stage();
  requestToken
    .mockImplementationOnce(failing('throttled', 429, holdMs))
    .mockResolvedValue(issuedTo('reader'));
  const answer = get();
  await clock.advance(holdMs);
  await expect(answer).resolves.toMatchObject({ from: 'miss' });
});

it('a caller that cannot leave is held as well', async () => {
  const { requestToken, clock, tokens } = stage();
  requestToken.mockImplementationOnce(failing('unavailable', 500)).mockResolvedValue(issuedTo('reader'));
  const wanted = { subject: machine, resource: 'r', bypassCache: false };
  const answer = tokens.get(wanted, { ...callerOf(), deadline: clock.elapsed() + holdMs });
  await clock.advance(holdMs);
  await expect(answer).resolves.toMatchObject({ from: 'miss' });
});

it('after the deadline nothing is asked again', async () => {
  const { requestToken, clock, get } = stage();
  requestToken.mockImplementation(failing('unavailable', 500));
  await expect(get({ deadline: clock.elapsed() })).rejects.toMatchObject({ code: 'unavailable' });
  expect(requestToken).toHaveBeenCalledTimes(1);
});

it('Entra is not asked again: it has told its own time', async () => {
  const { requestToken, get } = stage();
  requestToken.mockImplementation(failing('unavailable', 503));
  const subject: TokenSubject = {
    kind: 'service-principal',
    name: 'default/app',
    clientId: 'c',
    tenantId: 't',
    auxiliaryTenantIds: [],
    authority: 'https://login.microsoftonline.com',
    credential: 'secret',
    secret: { namespace: 'default', name: 's' },
  };
  await expect(get({ subject })).rejects.toMatchObject({ code: 'unavailable' });
  expect(requestToken).toHaveBeenCalledTimes(1);
});
