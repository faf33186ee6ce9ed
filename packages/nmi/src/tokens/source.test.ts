import { createFakeClock } from '@pod-identity/kit/testing';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { askerOf, clientIdOf, issuedTo, openQueue, subjectOf, wishFor } from '../../test/builders.ts';
import type { TurnQueue } from '../waiting/turn-queues.ts';
import { TokenError } from './errors.ts';
import { createTokenSource } from './source.ts';
import type { IssuedToken, ServicePrincipal, TokenWish } from './types.ts';

const free = askerOf();
const admitting = (admit: () => number) => askerOf({ admit });
const minute = 60_000;

const application: ServicePrincipal = {
  kind: 'service-principal',
  name: 'default/app',
  clientId: 'app',
  tenantId: 'home',
  auxiliaryTenantIds: [],
  authority: 'https://login.example',
  credential: 'secret',
  secret: { namespace: 'default', name: 'app' },
};

const open = { queueFor: () => openQueue };

const stage = (expiresInMs = 3_600_000) => {
  const clock = createFakeClock();
  let count = 0;
  const ask = vi.fn((wish: TokenWish): Promise<IssuedToken> => {
    count += 1;
    const name = wish.subject.kind === 'identity' ? wish.subject.name.replace('default/', '') : 'machine';
    return Promise.resolve(issuedTo(name, { expiresInMs, now: clock.now(), token: `token-${count}` }));
  });
  const source = createTokenSource({ upstream: { ask }, clock, random: () => 0, ...open });
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

  it('charges an application for each tenant that is asked', async () => {
    const { source } = stage();
    const admit = vi.fn(() => 0);
    const subject = { ...application, auxiliaryTenantIds: ['one', 'two'] };
    await source.get(wishFor(subject), admitting(admit));
    expect(admit.mock.calls).toEqual([[3]]);
  });

  it('asks for admission before a question, never for a seat in one that is under way', async () => {
    const { source } = stage();
    const admit = vi.fn(() => 0);
    const wish = wishFor(subjectOf('reader'));
    await Promise.all([source.get(wish, admitting(admit)), source.get(wish, admitting(admit))]);
    expect(admit).toHaveBeenCalledTimes(1);
    const refused = source.get(
      wishFor(subjectOf('writer')),
      admitting(() => 1500),
    );
    await expect(refused).rejects.toMatchObject({
      code: 'throttled',
      message: expect.stringContaining('too often') as string,
    });
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
    expect(source.cached(wish, () => free)).toBeDefined();
    await clock.advance(1);
    expect(source.cached(wish, () => free)).toBeUndefined();
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

  it('an old token is not given in its last ten seconds', async () => {
    const { clock, ask, source } = stage(60 * minute);
    const wish = wishFor(subjectOf('reader'));
    const first = await source.get(wish, free);
    ask.mockRejectedValue(new TokenError('unavailable', 'away'));
    await clock.advance(60 * minute - 10_001);
    await expect(source.get(wish, free)).resolves.toEqual({ issued: first.issued, from: 'stale' });
    await clock.advance(1);
    await expect(source.get(wish, free)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('an old token of another client id than the AzureIdentity states does not stand in: the failure is told', async () => {
    const { clock, ask, source } = stage(60 * minute);
    const subject = subjectOf('reader');
    await source.get(wishFor(subject), free);
    await clock.advance(56 * minute);
    ask.mockRejectedValue(new TokenError('unavailable', 'away'));
    const corrected = wishFor({ ...subject, clientId: clientIdOf('another') });
    await expect(source.get(corrected, free)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('an old token does not stand in for a refusal', async () => {
    const { clock, ask, source } = stage(60 * minute);
    const wish = wishFor(subjectOf('reader'));
    await source.get(wish, free);
    await clock.advance(56 * minute);
    ask.mockRejectedValue(new TokenError('not-on-host', 'gone'));
    await expect(source.get(wish, free)).rejects.toMatchObject({ code: 'not-on-host' });
  });

  it('after a bug it is asked again at once', async () => {
    const { clock, ask, source } = stage(60 * minute);
    const wish = wishFor(subjectOf('reader'));
    await source.get(wish, free);
    await clock.advance(56 * minute);
    ask.mockRejectedValueOnce(new TypeError('bug'));
    await expect(source.get(wish, free)).rejects.toThrow('bug');
    await expect(source.get(wish, free)).resolves.toMatchObject({ from: 'miss' });
  });

  it('no late answer replaces a newer token: whoever wants none from memory waits for the question that is under way', async () => {
    const { ask, source } = stage();
    const wish = wishFor(subjectOf('reader'));
    const slow = Promise.withResolvers<IssuedToken>();
    ask.mockReturnValueOnce(slow.promise);
    const early = source.get(wish, free);
    const renewed = source.get({ ...wish, bypassCache: true }, free);
    slow.resolve(issuedTo('reader', { token: 'slow' }));
    expect(await renewed).toEqual({ issued: (await early).issued, from: 'joined' });
    expect(ask).toHaveBeenCalledTimes(1);
    expect(source.cached(wish, () => free)).toBe((await early).issued);
  });

  it('keeps the tokens of other namespaces when one asks for very many', async () => {
    const { ask, source } = stage();
    const victims = Array.from({ length: 20 }, (_, index) =>
      wishFor(subjectOf(`victim-${index}`), { resource: 'api://victim' }),
    );
    for (const wish of victims) await source.get(wish, askerOf({ namespace: 'victim' }));
    for (let index = 0; index < 3000; index += 1)
      await source.get(
        wishFor(subjectOf('hostile'), { resource: `api://${index}` }),
        askerOf({ namespace: 'hostile', pod: `pod-${index % 100}` }),
      );
    ask.mockClear();
    for (const wish of victims) expect(source.cached(wish, () => free)).toBeDefined();
    expect(ask).not.toHaveBeenCalled();
  });

  it('forgets the oldest of very many tokens', async () => {
    const { ask, source } = stage();
    for (let index = 0; index <= 2000; index += 1)
      await source.get(wishFor(subjectOf('reader'), { resource: `api://${index}` }), free);
    expect(source.cached(wishFor(subjectOf('reader'), { resource: 'api://0' }), () => free)).toBeUndefined();
    expect(source.cached(wishFor(subjectOf('reader'), { resource: 'api://1' }), () => free)).toBeDefined();
    expect(ask).toHaveBeenCalledTimes(2001);
  });
});

describe('W-P7: renewed before it is old', () => {
  const renewing = async (lifeMs = 60 * minute) => {
    const staged = stage(lifeMs);
    const wish = wishFor(subjectOf('reader'));
    const { issued: first } = await staged.source.get(wish, free);
    return { ...staged, wish, first };
  };

  it.each([
    ['an hour', 60 * minute, 55 * minute],
    ['a day', 24 * 60 * minute, 12 * 60 * minute],
  ])('one of %s: by the first use that finds it due, which gets the old one', async (_, lifeMs, dueMs) => {
    const { ask, clock, source, wish, first } = await renewing(lifeMs);
    await clock.advance(dueMs * 0.97);
    expect(source.cached(wish, () => free)).toBe(first);
    expect(ask).toHaveBeenCalledTimes(1);
    await clock.advance(dueMs * 0.01);
    expect(source.cached(wish, () => free)).toBe(first);
    await clock.advance(0);
    expect(ask).toHaveBeenCalledTimes(2);
    expect(source.cached(wish, () => free)).not.toBe(first);
  });

  it('unless nobody uses it', async () => {
    const { ask, clock } = await renewing();
    await clock.advance(60 * minute);
    expect(ask).toHaveBeenCalledTimes(1);
  });

  it('with one question that is charged to the pod that used it, and nobody waits for it', async () => {
    const { ask, clock, source, wish, first } = await renewing();
    ask.mockReturnValue(new Promise(() => undefined));
    await clock.advance(54.5 * minute);
    const admit = vi.fn(() => 0);
    const answers = await Promise.all(Array.from({ length: 100 }, () => source.get(wish, admitting(admit))));
    expect(answers.every(({ issued, from }) => issued === first && from === 'hit')).toBe(true);
    expect(ask).toHaveBeenCalledTimes(2);
    expect(admit).toHaveBeenCalledTimes(1);
  });

  it('not by a pod that may ask nothing at the moment: it goes on with the old one', async () => {
    const { ask, clock, source, wish, first } = await renewing();
    await clock.advance(54.5 * minute);
    const never = admitting(() => 1000);
    await expect(source.get(wish, never)).resolves.toEqual({ issued: first, from: 'hit' });
    expect(ask).toHaveBeenCalledTimes(1);
    await source.get(wish, free);
    expect(ask).toHaveBeenCalledTimes(2);
  });

  it('not all of a node’s at once', async () => {
    const clock = createFakeClock();
    const asked: number[] = [];
    let chance = 0;
    const source = createTokenSource({
      ...open,
      upstream: {
        ask: ({ resource }) => {
          asked.push(clock.now());
          return Promise.resolve(issuedTo('reader', { now: clock.now(), token: resource }));
        },
      },
      clock,
      random: () => (chance += 0.01),
    });
    const wishes = Array.from({ length: 90 }, (_, index) =>
      wishFor(subjectOf('reader'), { resource: `api://${index}` }),
    );
    await Promise.all(wishes.map((wish) => source.get(wish, free)));
    asked.splice(0);
    for (let passed = 0; passed < 55; passed += 1) {
      await clock.advance(minute);
      for (const wish of wishes) source.cached(wish, () => free);
    }
    const inMinute = asked.map((at) => asked.filter((other) => other === at).length);
    expect(asked.length).toBeGreaterThanOrEqual(90);
    expect(Math.max(...inMinute)).toBeLessThan(30);
  });

  it('while that fails the old one is given on, with ever longer pauses between the questions', async () => {
    const { ask, clock, source, wish, first } = await renewing();
    ask.mockRejectedValue(new TokenError('unavailable', 'away'));
    const asked: number[] = [];
    for (let second = 0; second < 59 * 60; second += 1) {
      await clock.advance(1000);
      const before = ask.mock.calls.length;
      expect((await source.get(wish, free)).issued).toBe(first);
      if (ask.mock.calls.length > before) asked.push(clock.now());
    }
    const pauses = asked.slice(1).map((at, index) => at - (asked[index] ?? 0));
    expect(asked.length).toBeLessThan(8);
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
  });

  it('a caller whose token is nearly over waits a second for a new one, no longer', async () => {
    const { ask, clock, source, wish, first } = await renewing();
    await clock.advance(56 * minute);
    ask.mockReturnValue(new Promise(() => undefined));
    const timers = clock.pending;
    const answer = source.get(wish, free);
    await clock.advance(999);
    const early = await Promise.race([answer, Promise.resolve('waits')]);
    expect(early).toBe('waits');
    await clock.advance(1);
    await expect(answer).resolves.toEqual({ issued: first, from: 'stale' });
    expect(clock.pending).toBe(timers);
  });

  it('a new one that comes in time leaves no timer of the wait behind', async () => {
    const { clock, source, wish } = await renewing();
    await clock.advance(56 * minute);
    const timers = clock.pending;
    await source.get(wish, free);
    await clock.advance(0);
    expect(clock.pending).toBe(timers);
  });

  it('once that succeeded, the next failure is followed by a short pause again', async () => {
    const { ask, clock, source, wish } = await renewing();
    const asked = () => ask.mock.calls.length;
    const working = ask.getMockImplementation();
    const use = async (ms: number) => {
      await clock.advance(ms);
      source.cached(wish, () => free);
      await clock.advance(0);
    };
    ask.mockImplementation(() => Promise.reject(new TokenError('unavailable', 'away')));
    await use(54 * minute);
    for (let second = 0; second < 50; second += 1) await use(1_000);
    expect(asked()).toBeGreaterThan(3);
    ask.mockImplementation(working!);
    await source.get({ ...wish, bypassCache: true }, free);
    ask.mockImplementation(() => Promise.reject(new TokenError('unavailable', 'away')));
    const before = asked();
    await use(54 * minute);
    expect(asked()).toBe(before + 1);
    await use(10_000);
    expect(asked()).toBe(before + 2);
  });

  it('an idle one is replaced for the caller who comes back', async () => {
    const { clock, source, wish, first } = await renewing();
    await clock.advance(57 * minute);
    const { issued, from } = await source.get(wish, free);
    expect(from).toBe('miss');
    expect(issued).not.toBe(first);
  });
});

describe('W-P8: a service that wants to be left alone', () => {
  it.each([
    ['throttled', 7000, 7000],
    ['throttled', undefined, 1000],
    ['updating', undefined, 5000],
    ['unavailable', 3000, 3000],
  ] as const)(
    '%s (%s): no question for that token until then, every caller is told at once',
    async (...given) => {
      const [code, retryAfterMs, pauseMs] = given;
      const { ask, clock, source } = stage();
      const wish = wishFor(subjectOf('reader'));
      ask.mockRejectedValueOnce(new TokenError(code, 'not now', { retryAfterMs }));
      await expect(source.get(wish, free)).rejects.toMatchObject({ code });
      await clock.advance(pauseMs - 400);
      const left = { code, retryAfterMs: retryAfterMs === undefined ? undefined : 400 };
      for (const again of [wish, { ...wish, bypassCache: true }])
        await expect(source.get(again, free)).rejects.toMatchObject(left);
      expect(ask).toHaveBeenCalledTimes(1);
      await expect(source.get(wishFor(subjectOf('writer')), free)).resolves.toBeDefined();
      await clock.advance(400);
      await expect(source.get(wish, free)).resolves.toMatchObject({ from: 'miss' });
    },
  );
});

describe('an application that Entra slows down', () => {
  const tooMany = () => new TokenError('throttled', 'too many', { retryAfterMs: 30_000 });
  const get = ({ source }: ReturnType<typeof stage>, over: Partial<TokenWish> = {}, asker = free) =>
    source.get({ ...wishFor(application), ...over }, asker);

  it('asks for nothing at all, another one goes on', async () => {
    const staged = stage();
    const { ask, clock } = staged;
    ask.mockRejectedValueOnce(tooMany());
    await expect(get(staged)).rejects.toMatchObject({ code: 'throttled' });
    await expect(get(staged, { resource: 'https://other' })).rejects.toMatchObject({ code: 'throttled' });
    expect(ask).toHaveBeenCalledTimes(1);
    await expect(get(staged, { subject: { ...application, clientId: 'next' } })).resolves.toBeDefined();
    await clock.advance(30_000);
    await expect(get(staged)).resolves.toBeDefined();
  });

  it('after an answer nothing is held against it, also by a clock that is set back', async () => {
    const staged = stage();
    const { ask, clock } = staged;
    ask.mockRejectedValueOnce(tooMany());
    await get(staged).catch(() => undefined);
    await clock.advance(30_000);
    await get(staged);
    const now = clock.now();
    clock.now = () => now - 60_000;
    await expect(get(staged, { resource: 'https://other' })).resolves.toMatchObject({ from: 'miss' });
  });

  it('attack: because of the resources of one namespace: another namespace asks for its own', async () => {
    const staged = stage();
    staged.ask.mockRejectedValueOnce(tooMany());
    const hostile = askerOf({ namespace: 'hostile' });
    await expect(get(staged, { resource: 'api://loop' }, hostile)).rejects.toMatchObject({
      code: 'throttled',
    });
    await expect(get(staged, {}, hostile)).rejects.toMatchObject({ code: 'throttled' });
    await expect(get(staged, {}, askerOf({ namespace: 'victim' }))).resolves.toMatchObject({ from: 'miss' });
  });
});

describe('an identity that the service does not know', () => {
  const notFound = () => new TokenError('not-on-host', 'Identity not found');
  const wish = wishFor(subjectOf('reader'));
  const { resourceId } = subjectOf('reader') as Extract<TokenWish['subject'], { readonly kind: 'identity' }>;

  it('is remembered, whatever resource is asked for: distinct resources make no questions', async () => {
    const { ask, source } = stage();
    ask.mockImplementation(() => Promise.reject(notFound()));
    for (let index = 0; index < 100; index += 1)
      await expect(source.get({ ...wish, resource: `api://${index}` }, free)).rejects.toMatchObject({
        code: 'not-on-host',
      });
    expect(ask).toHaveBeenCalledTimes(1);
  });

  it('is hidden for five seconds at most once it is there, however often it was asked for without success', async () => {
    const { ask, clock, source } = stage();
    ask.mockImplementation(() => Promise.reject(notFound()));
    for (let passed = 0; passed < 60_000; passed += 250) {
      await expect(source.get(wish, free)).rejects.toMatchObject({ code: 'not-on-host' });
      await clock.advance(250);
    }
    expect(ask.mock.calls.length).toBeLessThan(20);
    ask.mockImplementation(() => Promise.resolve(issuedTo('reader', { now: clock.now() })));
    await clock.advance(5_000);
    await expect(source.get(wish, free)).resolves.toMatchObject({ from: 'miss' });
  });

  it('is asked for at once by another namespace, and after a hint by its own', async () => {
    const { ask, source } = stage();
    ask.mockRejectedValueOnce(notFound());
    await expect(source.get(wish, free)).rejects.toMatchObject({ code: 'not-on-host' });
    const shop = askerOf({ namespace: 'shop' });
    await expect(source.get({ ...wish, resource: 'api://shop' }, shop)).resolves.toBeDefined();
    source.hint('shop', resourceId);
    await expect(source.get(wish, free)).rejects.toMatchObject({ code: 'not-on-host' });
    source.hint('default', resourceId);
    await expect(source.get(wish, free)).resolves.toBeDefined();
    await expect(source.get({ ...wish, resource: 'api://other' }, free)).resolves.toBeDefined();
  });

  it('is asked for by one request at a time, in a queue of its own that is not charged to the pod', async () => {
    const clock = createFakeClock();
    const queues: string[] = [];
    const ask = vi.fn(() => Promise.reject<IssuedToken>(notFound()));
    const source = createTokenSource({
      upstream: { ask },
      clock,
      random: () => 0,
      queueFor: (_, lastAnswer) => {
        queues.push(lastAnswer);
        return openQueue;
      },
    });
    let admitted = 1;
    const once = admitting(() => (admitted-- > 0 ? 0 : 1_000));
    await expect(source.get(wish, once)).rejects.toMatchObject({ code: 'not-on-host' });
    await clock.advance(1_000);
    const answer = Promise.withResolvers<IssuedToken>();
    ask.mockReturnValue(answer.promise);
    const again = source.get(wish, once);
    await expect(source.get({ ...wish, resource: 'api://other' }, once)).rejects.toMatchObject({
      code: 'not-on-host',
    });
    expect(source.mayAsk(wish.subject, 'default')).toBe(false);
    answer.resolve(issuedTo('reader'));
    await expect(again).resolves.toMatchObject({ from: 'miss' });
    expect(source.mayAsk(wish.subject, 'default')).toBe(true);
    expect(ask).toHaveBeenCalledTimes(2);
    await source.get({ ...wish, resource: 'api://other' }, free);
    expect(queues).toEqual(['new', 'unknown', 'known']);
  });

  it('is asked for again after a request that ended by a bug', async () => {
    const { ask, clock, source } = stage();
    ask.mockRejectedValueOnce(notFound()).mockRejectedValueOnce(new RangeError('bug'));
    await expect(source.get(wish, free)).rejects.toMatchObject({ code: 'not-on-host' });
    await clock.advance(1_000);
    await expect(source.get(wish, free)).rejects.toThrow(RangeError);
    await clock.advance(5_000);
    await expect(source.get(wish, free)).resolves.toMatchObject({ from: 'miss' });
  });

  it('is still not known where its turn did not come or the service failed, for two minutes, and then that is told', async () => {
    const clock = createFakeClock();
    let isFull = false;
    const queue: TurnQueue = {
      waiting: 0,
      enter: (...entering) => (isFull ? undefined : openQueue.enter(...entering)),
    };
    const ask = vi.fn(() => Promise.reject<IssuedToken>(notFound()));
    const source = createTokenSource({ upstream: { ask }, clock, random: () => 0, queueFor: () => queue });
    await expect(source.get(wish, free)).rejects.toMatchObject({ code: 'not-on-host' });
    await clock.advance(1_000);
    isFull = true;
    await expect(source.get(wish, free)).rejects.toMatchObject({ code: 'not-on-host' });
    expect(source.mayAsk(wish.subject, 'default')).toBe(false);
    await clock.advance(5_000);
    isFull = false;
    ask.mockRejectedValue(new TokenError('throttled', 'slow down', { status: 429, retryAfterMs: 60_000 }));
    for (let passed = 6_000; passed < 120_000; passed += 5_000) {
      await expect(source.get(wish, free)).rejects.toMatchObject({ code: 'not-on-host' });
      expect(source.mayAsk(wish.subject, 'default')).toBe(false);
      await clock.advance(5_000);
    }
    expect(ask.mock.calls.length).toBeLessThanOrEqual(3);
    await expect(source.get(wish, free)).rejects.toMatchObject({ code: 'throttled' });
  });
});

describe('what is dropped', () => {
  it('all tokens of subjects that are not kept', async () => {
    const { source } = stage();
    const [reader, writer] = [wishFor(subjectOf('reader')), wishFor(subjectOf('writer'))];
    for (const wish of [reader, writer]) await source.get(wish, free);
    source.prune((subject) => subject.kind === 'identity' && subject.name === 'default/writer');
    expect(source.cached(reader, () => free)).toBeUndefined();
    expect(source.cached(writer, () => free)).toBeDefined();
  });

  it('a token that comes when it may not be kept any more: whoever waits for it gets it, and nobody later', async () => {
    const clock = createFakeClock();
    const answer = Promise.withResolvers<IssuedToken>();
    const state = { mayKeep: true };
    const source = createTokenSource({
      ...open,
      upstream: { ask: () => answer.promise },
      clock,
      random: () => 0,
      mayKeep: () => state.mayKeep,
    });
    const wish = wishFor(subjectOf('reader'));
    const waiting = source.get(wish, free);
    state.mayKeep = false;
    answer.resolve(issuedTo('reader'));
    expect((await waiting).from).toBe('miss');
    expect(source.cached(wish, () => free)).toBeUndefined();
  });

  it('tells of every token that is given out of memory', async () => {
    const clock = createFakeClock();
    const recalled: unknown[] = [];
    const source = createTokenSource({
      ...open,
      upstream: { ask: () => Promise.resolve(issuedTo('reader')) },
      clock,
      random: () => 0,
      onRecalled: (subject) => recalled.push(subject),
    });
    const wish = wishFor(subjectOf('reader'));
    await source.get(wish, free);
    expect(recalled).toEqual([]);
    source.cached(wish, () => free);
    expect(recalled).toEqual([wish.subject]);
  });
});

describe('item 27: callers who want none from memory', () => {
  it('a hundred of them make one question', async () => {
    const { ask, source } = stage();
    const wish = wishFor(subjectOf('reader'), { bypassCache: true });
    const admit = vi.fn(() => 0);
    await Promise.all(Array.from({ length: 100 }, () => source.get(wish, admitting(admit))));
    expect(ask).toHaveBeenCalledTimes(1);
    expect(admit).toHaveBeenCalledTimes(1);
  });

  it('get a new one, which others then get from memory', async () => {
    const { ask, source } = stage();
    const wish = wishFor(subjectOf('reader'));
    await source.get(wish, free);
    const renewed = await source.get({ ...wish, bypassCache: true }, free);
    expect(ask).toHaveBeenCalledTimes(2);
    expect(source.cached(wish, () => free)).toBe(renewed.issued);
  });
});

describe('W-S15: an AzureIdentity whose client id is not that of its resource', () => {
  const lying = wishFor(subjectOf('reader', { clientId: clientIdOf('victim') }));

  it('gets nothing, and is told what to correct without a full foreign id', async () => {
    const { source } = stage();
    const error = await source.get(lying, free).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'misconfigured' });
    expect(String(error)).toContain('AzureIdentity default/reader has a spec.clientID');
    expect(String(error)).not.toContain(clientIdOf('reader'));
  });

  it('is believed to be wrong for a minute, without a question for each call', async () => {
    const { ask, source, clock } = stage();
    await clock.advance(3_600_000);
    await source.get(lying, free).catch(() => undefined);
    await clock.advance(59_999);
    await source.get(lying, free).catch(() => undefined);
    expect(ask).toHaveBeenCalledTimes(1);
    await clock.advance(1);
    await source.get(lying, free).catch(() => undefined);
    expect(ask).toHaveBeenCalledTimes(2);
  });

  it('gets nothing from memory either, where an honest one for the same resource filled it', async () => {
    const { ask, source, clock } = stage();
    await source.get(wishFor(subjectOf('reader')), free);
    expect(source.cached(lying, () => free)).toBeUndefined();
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

describe('a managed identity that was deleted and made again', () => {
  const day = 24 * 60 * minute;
  const remade = () => {
    const { clock, ask, source } = stage(day);
    ask.mockImplementation(() =>
      Promise.resolve(
        issuedTo(clock.now() < minute ? 'before' : 'after', { expiresInMs: day, now: clock.now() }),
      ),
    );
    return { clock, ask, source };
  };

  it.each([
    ['an AzureIdentity without spec.clientID', subjectOf('reader', { clientId: '' })],
    ['the identity of the machine', { kind: 'machine', by: 'nothing' } as const],
    ['a resource id', { kind: 'machine', by: 'resource-id', value: '/reader' } as const],
  ])('by %s: its old token leaves no longer than ten minutes', async (_, subject) => {
    const { clock, source } = remade();
    await source.get(wishFor(subject), free);
    await clock.advance(10 * minute);
    const { issued } = await source.get(wishFor(subject), free);
    expect(issued.clientId).toBe(clientIdOf('after'));
  });

  it('so also after a neighbour with spec.clientID has asked, and a pod that asks often gets the new one sooner', async () => {
    const { clock, source } = remade();
    await source.get(wishFor(subjectOf('reader', { clientId: clientIdOf('before') })), free);
    const wish = wishFor(subjectOf('reader', { clientId: '' }));
    await clock.advance(5 * minute);
    await source.get(wish, free);
    await clock.advance(0);
    expect((await source.get(wish, free)).issued.clientId).toBe(clientIdOf('after'));
  });

  it('while no new token can be had, the old one leaves', async () => {
    const { clock, ask, source } = remade();
    const wish = wishFor(subjectOf('reader', { clientId: '' }));
    await source.get(wish, free);
    ask.mockRejectedValue(new TokenError('unavailable', 'away'));
    await clock.advance(60 * minute);
    expect(await source.get(wish, free)).toMatchObject({ from: 'stale' });
  });

  it('by spec.clientID nothing is asked for before half of the life', async () => {
    const { clock, ask, source } = remade();
    const wish = wishFor(subjectOf('reader', { clientId: clientIdOf('before') }));
    await source.get(wish, free);
    await clock.advance(11 * 60 * minute);
    await source.get(wish, free);
    expect(ask).toHaveBeenCalledTimes(1);
  });
});

describe('an identity without client id that the service does not find after ten minutes', () => {
  const notFound = () => new TokenError('not-on-host', 'Identity not found', { status: 400 });
  const wish = wishFor(subjectOf('reader', { clientId: '' }));
  const aged = async () => {
    const { clock, ask, source } = stage(24 * 60 * minute);
    await source.get(wish, free);
    await clock.advance(11 * minute);
    return { clock, ask, source };
  };

  it('for a moment: the next request gets the new token', async () => {
    const { clock, ask, source } = await aged();
    ask.mockRejectedValueOnce(notFound());
    await expect(source.get(wish, free)).rejects.toMatchObject({ code: 'not-on-host' });
    await clock.advance(1_000);
    await expect(source.get(wish, free)).resolves.toMatchObject({
      from: 'miss',
      issued: { access: { token: 'token-2' } },
    });
    expect(ask).toHaveBeenCalledTimes(3);
  });

  it('for longer: each request fails, also one of another namespace, and none gets the old token', async () => {
    const { clock, ask, source } = await aged();
    const shop = askerOf({ namespace: 'shop' });
    ask.mockImplementation(() => Promise.reject(notFound()));
    for (let passed = 0; passed < 300_000; passed += 1_000) {
      for (const asker of [free, shop])
        await expect(source.get(wish, asker)).rejects.toMatchObject({ code: 'not-on-host' });
      await clock.advance(1_000);
    }
  });

  /** A request every second, for half a minute. */
  const leaves = async ({ clock, source }: Pick<Awaited<ReturnType<typeof aged>>, 'clock' | 'source'>) => {
    const left = vi.fn();
    for (let passed = 0; passed < 30_000; passed += 1_000) {
      source.get(wish, free).then(left, () => undefined);
      await clock.advance(1_000);
    }
    return left.mock.calls.length > 0;
  };

  it.each([
    ['fails', () => Promise.reject(new TokenError('unavailable', 'away'))],
    ['does not come', () => new Promise<IssuedToken>(() => undefined)],
  ])('and the next answer %s: the old token does not leave', async (_, answer) => {
    const staged = await aged();
    staged.ask.mockRejectedValueOnce(notFound()).mockImplementation(answer);
    expect(await leaves(staged)).toBe(false);
    expect(staged.ask.mock.calls.length).toBeGreaterThan(2);
  });

  it('nor in the background before: the old token does not leave after the ten minutes', async () => {
    const staged = stage(24 * 60 * minute);
    const { clock, ask, source } = staged;
    await source.get(wish, free);
    ask.mockImplementation(() => Promise.reject(notFound()));
    for (let passed = 0; passed < 10 * minute; passed += 1_000) {
      await source.get(wish, free);
      await clock.advance(1_000);
    }
    expect(await leaves(staged)).toBe(false);
  });

  it('with its client id the failure is told at once', async () => {
    const { clock, ask, source } = stage();
    const named = wishFor(subjectOf('reader'));
    await source.get(named, free);
    await clock.advance(57 * minute);
    ask.mockRejectedValueOnce(notFound());
    await expect(source.get(named, free)).rejects.toMatchObject({ code: 'not-on-host' });
  });
});
