import { createFakeClock } from '@pod-identity/kit/testing';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { clientIdOf, issuedTo, subjectOf, wishFor } from '../../test/builders.ts';
import { TokenError } from './token-errors.ts';
import { createTokenSource } from './token-source.ts';
import type { IssuedToken, TokenWish } from './types.ts';

const free = () => 0;
const minute = 60_000;

const stage = (expiresInMs = 3_600_000) => {
  const clock = createFakeClock();
  let count = 0;
  const ask = vi.fn((wish: TokenWish): Promise<IssuedToken> => {
    count += 1;
    const name = wish.subject.kind === 'identity' ? wish.subject.name.replace('default/', '') : 'machine';
    return Promise.resolve(issuedTo(name, { expiresInMs, now: clock.now(), token: `token-${count}` }));
  });
  const source = createTokenSource({ ask, clock, random: () => 0 });
  return { clock, ask, source };
};

describe('one question for all', () => {
  it('item 27: n equal wishes at a time make one question, whatever n is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 300 }), async (n) => {
        const { ask, source } = stage();
        const wish = wishFor(subjectOf('reader'));
        const answers = await Promise.all(Array.from({ length: n }, () => source.get(wish, free)));
        expect(ask).toHaveBeenCalledTimes(1);
        expect(new Set(answers.map(({ issued }) => issued.access.token)).size).toBe(1);
      }),
      { numRuns: 20 },
    );
  });

  it('says what came from where', async () => {
    const { source } = stage();
    const wish = wishFor(subjectOf('reader'));
    const both = await Promise.all([source.get(wish, free), source.get(wish, free)]);
    const later = await source.get(wish, free);
    expect([...both, later].map(({ from }) => from)).toEqual(['miss', 'joined', 'hit']);
  });

  it.each([
    ['another resource', { resource: 'https://management.azure.com' }],
    ['another identity', { subject: subjectOf('writer') }],
    ['the identities of the machine', { subject: { kind: 'machine', by: 'nothing' } as const }],
    ['a slash more', { resource: 'https://vault.azure.net/' }],
  ])('does not confuse %s with it', async (_, over) => {
    const { ask, source } = stage();
    await source.get(wishFor(subjectOf('reader')), free);
    await source.get(wishFor(subjectOf('reader'), over), free);
    expect(ask).toHaveBeenCalledTimes(2);
  });

  it('a failure is everybody’s who waited, and nobody’s afterwards', async () => {
    const { ask, source } = stage();
    ask.mockRejectedValueOnce(new TokenError('unavailable', 'away'));
    const wish = wishFor(subjectOf('reader'));
    const first = await Promise.allSettled([source.get(wish, free), source.get(wish, free)]);
    expect(first.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(source.get(wish, free)).resolves.toBeDefined();
  });

  it('asks for admission before a question, never for a seat in one that is under way', async () => {
    const { source } = stage();
    const admit = vi.fn(free);
    const wish = wishFor(subjectOf('reader'));
    await Promise.all([source.get(wish, admit), source.get(wish, admit)]);
    expect(admit).toHaveBeenCalledTimes(1);
    const refused = source.get(wishFor(subjectOf('writer')), () => 1500);
    await expect(refused).rejects.toMatchObject({ code: 'throttled', retryAfterMs: 1500 });
  });
});

describe('how long a token is given again', () => {
  it.each([
    ['until five minutes before a long life ends', 60 * minute, 55 * minute],
    ['until half of a short life', 6 * minute, 3 * minute],
  ])('%s', async (_, lifeMs, freshMs) => {
    const { ask, clock, source } = stage(lifeMs);
    const wish = wishFor(subjectOf('reader'));
    await source.get(wish, free);
    ask.mockRejectedValue(new TokenError('unavailable', 'no other one'));
    await clock.advance(freshMs - 1);
    expect(source.cached(wish)).toBeDefined();
    await clock.advance(1);
    expect(source.cached(wish)).toBeUndefined();
  });

  it('an old token that is still valid stands in while no new one can be had', async () => {
    const { clock, ask, source } = stage(60 * minute);
    const wish = wishFor(subjectOf('reader'));
    const first = await source.get(wish, free);
    await clock.advance(56 * minute);
    ask.mockRejectedValue(new TokenError('throttled', 'slow down'));
    await expect(source.get(wish, free)).resolves.toEqual({ issued: first.issued, from: 'stale' });
    await clock.advance(4 * minute);
    await expect(source.get(wish, free)).rejects.toMatchObject({ code: 'throttled' });
  });

  it('an old token does not stand in for a refusal', async () => {
    const { clock, ask, source } = stage(60 * minute);
    const wish = wishFor(subjectOf('reader'));
    await source.get(wish, free);
    await clock.advance(56 * minute);
    ask.mockRejectedValue(new TokenError('not-on-host', 'gone'));
    await expect(source.get(wish, free)).rejects.toMatchObject({ code: 'not-on-host' });
  });

  it('a late answer never replaces a newer token', async () => {
    const { ask, source } = stage();
    const wish = wishFor(subjectOf('reader'));
    const slow = Promise.withResolvers<IssuedToken>();
    ask.mockReturnValueOnce(slow.promise);
    const early = source.get(wish, free);
    const renewed = await source.get({ ...wish, bypassCache: true }, free);
    slow.resolve(issuedTo('reader', { token: 'late' }));
    await early;
    expect(source.cached(wish)).toBe(renewed.issued);
  });

  it('forgets the oldest of very many tokens', async () => {
    const { ask, source } = stage();
    for (let index = 0; index <= 2000; index += 1)
      await source.get(wishFor(subjectOf('reader'), { resource: `api://${index}` }), free);
    expect(source.cached(wishFor(subjectOf('reader'), { resource: 'api://0' }))).toBeUndefined();
    expect(source.cached(wishFor(subjectOf('reader'), { resource: 'api://1' }))).toBeDefined();
    expect(ask).toHaveBeenCalledTimes(2001);
  });
});

describe('item 27: callers who want none from memory', () => {
  it('get a new one, which others then get from memory', async () => {
    const { ask, source } = stage();
    const wish = wishFor(subjectOf('reader'));
    await source.get(wish, free);
    const renewed = await source.get({ ...wish, bypassCache: true }, free);
    expect(ask).toHaveBeenCalledTimes(2);
    expect(source.cached(wish)).toBe(renewed.issued);
  });

  it('with parameters for the service get one that nobody else gets, and what was remembered is forgotten', async () => {
    const { ask, source } = stage();
    const wish = wishFor(subjectOf('reader'));
    await source.get(wish, free);
    await source.get({ ...wish, bypassCache: true, passThrough: { token_sha256_to_refresh: 'ab' } }, free);
    expect(source.cached(wish)).toBeUndefined();
    expect(ask.mock.calls.at(-1)?.[0].passThrough).toEqual({ token_sha256_to_refresh: 'ab' });
  });
});

describe('W-S15: an AzureIdentity whose client id is not that of its resource', () => {
  const lying = wishFor(subjectOf('reader', { clientId: clientIdOf('victim') }));

  it('gets nothing, and is told what to correct without a full foreign id', async () => {
    const { source } = stage();
    const error = await source.get(lying, free).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'misconfigured' });
    expect(String(error)).toContain('spec.clientID');
    expect(String(error)).not.toContain(clientIdOf('reader'));
  });

  it('gets nothing from memory either, where an honest one for the same resource filled it', async () => {
    const { ask, source, clock } = stage();
    await source.get(wishFor(subjectOf('reader')), free);
    expect(source.cached(lying)).toBeUndefined();
    await expect(source.get(lying, free)).rejects.toMatchObject({ code: 'misconfigured' });
    expect(ask).toHaveBeenCalledTimes(1);
    await clock.advance(minute);
    await expect(source.get(lying, free)).rejects.toMatchObject({ code: 'misconfigured' });
    expect(ask).toHaveBeenCalledTimes(2);
  });

  it('item 8: heals when the managed identity was made again and the client id was corrected', async () => {
    const { ask, source, clock } = stage();
    await source.get(wishFor(subjectOf('reader')), free);
    await clock.advance(minute);
    ask.mockImplementation(() =>
      Promise.resolve({ ...issuedTo('reader', { now: minute }), clientId: clientIdOf('remade') }),
    );
    const corrected = wishFor(subjectOf('reader', { clientId: clientIdOf('remade') }));
    await expect(source.get(corrected, free)).resolves.toMatchObject({
      issued: { clientId: clientIdOf('remade') },
    });
  });

  it('without a client id in the object or in the answer there is nothing to compare', async () => {
    const { ask, source } = stage();
    await expect(source.get(wishFor(subjectOf('reader', { clientId: '' })), free)).resolves.toBeDefined();
    ask.mockResolvedValueOnce({ ...issuedTo('writer'), clientId: undefined });
    await expect(source.get(wishFor(subjectOf('writer')), free)).resolves.toBeDefined();
  });
});
