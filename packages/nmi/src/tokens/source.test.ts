import { createFakeClock } from '@pod-identity/kit/testing';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { callerOf, clientIdOf, issuedTo, openQueue, subjectOf, wantedFor } from '../../test/builders.ts';
import type { TurnQueue } from '../waiting/turn-queues.ts';
import { TokenError } from './errors.ts';
import { createTokenSource } from './source.ts';
import type { IssuedToken, ServicePrincipal, WantedToken } from './types.ts';

const free = callerOf();
const admitting = (admit: () => number) => callerOf({ admit });
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
  const requestToken = vi.fn((wanted: WantedToken): Promise<IssuedToken> => {
    count += 1;
    const name = wanted.subject.kind === 'identity' ? wanted.subject.name.replace('default/', '') : 'machine';
    return Promise.resolve(issuedTo(name, { expiresInMs, now: clock.now(), token: `token-${count}` }));
  });
  const source = createTokenSource({ upstream: { requestToken }, clock, random: () => 0, ...open });
  return { clock, requestToken, source };
};

describe('one question for all', () => {
  it('item 27: n equal wishes at a time make one question, whatever n is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 300 }), async (n) => {
        const { requestToken, source } = stage();
        const wanted = wantedFor(subjectOf('reader'));
        const answers = await Promise.all(Array.from({ length: n }, () => source.get(wanted, free)));
        expect(requestToken).toHaveBeenCalledTimes(1);
        expect(new Set(answers.map(({ issued }) => issued.access.token)).size).toBe(1);
      }),
      { numRuns: 20 },
    );
  });

  it('says what came from where', async () => {
    const { source } = stage();
    const wanted = wantedFor(subjectOf('reader'));
    const both = await Promise.all([source.get(wanted, free), source.get(wanted, free)]);
    const later = await source.get(wanted, free);
    expect([...both, later].map(({ from }) => from)).toEqual(['miss', 'joined', 'hit']);
  });

  it.each([
    ['another resource', { resource: 'https://management.azure.com' }],
    ['another identity', { subject: subjectOf('writer') }],
    ['the identities of the machine', { subject: { kind: 'machine', by: 'nothing' } as const }],
    ['a slash more', { resource: 'https://vault.azure.net/' }],
  ])('does not confuse %s with it', async (_, over) => {
    const { requestToken, source } = stage();
    await source.get(wantedFor(subjectOf('reader')), free);
    await source.get(wantedFor(subjectOf('reader'), over), free);
    expect(requestToken).toHaveBeenCalledTimes(2);
  });

  it('a failure is everybody’s who waited, and nobody’s afterwards', async () => {
    const { requestToken, source } = stage();
    requestToken.mockRejectedValueOnce(new TokenError('unavailable', 'away'));
    const wanted = wantedFor(subjectOf('reader'));
    const first = await Promise.allSettled([source.get(wanted, free), source.get(wanted, free)]);
    expect(first.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(source.get(wanted, free)).resolves.toBeDefined();
  });

  it('charges an application for each tenant that is asked', async () => {
    const { source } = stage();
    const admit = vi.fn(() => 0);
    const subject = { ...application, auxiliaryTenantIds: ['one', 'two'] };
    await source.get(wantedFor(subject), admitting(admit));
    expect(admit.mock.calls).toEqual([[3]]);
  });

  it('asks for admission before a question, never for a seat in one that is under way', async () => {
    const { source } = stage();
    const admit = vi.fn(() => 0);
    const wanted = wantedFor(subjectOf('reader'));
    await Promise.all([source.get(wanted, admitting(admit)), source.get(wanted, admitting(admit))]);
    expect(admit).toHaveBeenCalledTimes(1);
    const refused = source.get(
      wantedFor(subjectOf('writer')),
      admitting(() => 1500),
    );
    await expect(refused).rejects.toMatchObject({
      code: 'throttled',
      message: expect.stringContaining('too often') as string,
    });
  });
});

describe('how long a token is given again', () => {
  it('until five minutes before a long life ends', async () => {
    const { requestToken, clock, source } = stage(60 * minute);
    const wanted = wantedFor(subjectOf('reader'));
    await source.get(wanted, free);
    requestToken.mockRejectedValue(new TokenError('unavailable', 'no other one'));
    await clock.advance(55 * minute - 1);
    expect(source.cached(wanted, () => free)).toBeDefined();
    await clock.advance(1);
    expect(source.cached(wanted, () => free)).toBeUndefined();
  });

  it('an old token that is still valid stands in while no new one can be had, until its last ten seconds', async () => {
    const { clock, requestToken, source } = stage(60 * minute);
    const wanted = wantedFor(subjectOf('reader'));
    const first = await source.get(wanted, free);
    requestToken.mockRejectedValue(new TokenError('throttled', 'slow down'));
    await clock.advance(60 * minute - 10_001);
    await expect(source.get(wanted, free)).resolves.toEqual({ issued: first.issued, from: 'stale' });
    await clock.advance(1);
    await expect(source.get(wanted, free)).rejects.toMatchObject({ code: 'throttled' });
  });

  it('an old token of another client id than the AzureIdentity states does not stand in: the failure is told', async () => {
    const { clock, requestToken, source } = stage(60 * minute);
    const subject = subjectOf('reader');
    await source.get(wantedFor(subject), free);
    await clock.advance(56 * minute);
    requestToken.mockRejectedValue(new TokenError('unavailable', 'away'));
    const corrected = wantedFor({ ...subject, clientId: clientIdOf('another') });
    await expect(source.get(corrected, free)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('an old token does not stand in for a refusal', async () => {
    const { clock, requestToken, source } = stage(60 * minute);
    const wanted = wantedFor(subjectOf('reader'));
    await source.get(wanted, free);
    await clock.advance(56 * minute);
    requestToken.mockRejectedValue(new TokenError('not-on-host', 'gone'));
    await expect(source.get(wanted, free)).rejects.toMatchObject({ code: 'not-on-host' });
  });

  it('after a bug it is asked again at once', async () => {
    const { clock, requestToken, source } = stage(60 * minute);
    const wanted = wantedFor(subjectOf('reader'));
    await source.get(wanted, free);
    await clock.advance(56 * minute);
    requestToken.mockRejectedValueOnce(new TypeError('bug'));
    await expect(source.get(wanted, free)).rejects.toThrow('bug');
    await expect(source.get(wanted, free)).resolves.toMatchObject({ from: 'miss' });
  });

  it('no late answer replaces a newer token: whoever wants none from memory waits for the question that is under way', async () => {
    const { requestToken, source } = stage();
    const wanted = wantedFor(subjectOf('reader'));
    const slow = Promise.withResolvers<IssuedToken>();
    requestToken.mockReturnValueOnce(slow.promise);
    const early = source.get(wanted, free);
    const renewed = source.get({ ...wanted, bypassCache: true }, free);
    slow.resolve(issuedTo('reader', { token: 'slow' }));
    expect(await renewed).toEqual({ issued: (await early).issued, from: 'joined' });
    expect(requestToken).toHaveBeenCalledTimes(1);
    expect(source.cached(wanted, () => free)).toBe((await early).issued);
  });

  it('forgets the oldest of very many tokens of a namespace', async () => {
    const { requestToken, source } = stage();
    for (let index = 0; index <= 512; index += 1)
      await source.get(wantedFor(subjectOf('reader'), { resource: `api://${index}` }), free);
    expect(
      source.cached(wantedFor(subjectOf('reader'), { resource: 'api://0' }), () => free),
    ).toBeUndefined();
    expect(source.cached(wantedFor(subjectOf('reader'), { resource: 'api://1' }), () => free)).toBeDefined();
    expect(requestToken).toHaveBeenCalledTimes(513);
  });
});

describe('W-P7: renewed before it is old', () => {
  const renewing = async () => {
    const staged = stage(60 * minute);
    const wanted = wantedFor(subjectOf('reader'));
    const { issued: first } = await staged.source.get(wanted, free);
    return { ...staged, wanted, first };
  };

  it('by the first use that finds it due, which gets the old one', async () => {
    const { requestToken, clock, source, wanted, first } = await renewing();
    const dueMs = 55 * minute;
    await clock.advance(dueMs * 0.97);
    expect(source.cached(wanted, () => free)).toBe(first);
    expect(requestToken).toHaveBeenCalledTimes(1);
    await clock.advance(dueMs * 0.01);
    expect(source.cached(wanted, () => free)).toBe(first);
    await clock.advance(0);
    expect(requestToken).toHaveBeenCalledTimes(2);
    expect(source.cached(wanted, () => free)).not.toBe(first);
  });

  it('unless nobody uses it', async () => {
    const { requestToken, clock } = await renewing();
    await clock.advance(60 * minute);
    expect(requestToken).toHaveBeenCalledTimes(1);
  });

  it('with one question that is charged to the pod that used it, and nobody waits for it', async () => {
    const { requestToken, clock, source, wanted, first } = await renewing();
    requestToken.mockReturnValue(new Promise(() => undefined));
    await clock.advance(54.5 * minute);
    const admit = vi.fn(() => 0);
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => source.get(wanted, admitting(admit))),
    );
    expect(answers.every(({ issued, from }) => issued === first && from === 'hit')).toBe(true);
    expect(requestToken).toHaveBeenCalledTimes(2);
    expect(admit).toHaveBeenCalledTimes(1);
  });

  it('not by a pod that may ask nothing at the moment: it goes on with the old one', async () => {
    const { requestToken, clock, source, wanted, first } = await renewing();
    await clock.advance(54.5 * minute);
    const never = admitting(() => 1000);
    await expect(source.get(wanted, never)).resolves.toEqual({ issued: first, from: 'hit' });
    expect(requestToken).toHaveBeenCalledTimes(1);
    await source.get(wanted, free);
    expect(requestToken).toHaveBeenCalledTimes(2);
  });

  it('not all of a node’s at once', async () => {
    const clock = createFakeClock();
    const requested: number[] = [];
    let chance = 0;
    const source = createTokenSource({
      ...open,
      upstream: {
        requestToken: ({ resource }) => {
          requested.push(clock.now());
          return Promise.resolve(issuedTo('reader', { now: clock.now(), token: resource }));
        },
      },
      clock,
      random: () => (chance += 0.01),
    });
    const wishes = Array.from({ length: 90 }, (_, index) =>
      wantedFor(subjectOf('reader'), { resource: `api://${index}` }),
    );
    await Promise.all(wishes.map((wanted) => source.get(wanted, free)));
    requested.splice(0);
    for (let passed = 0; passed < 55; passed += 1) {
      await clock.advance(minute);
      for (const wanted of wishes) source.cached(wanted, () => free);
    }
    const inMinute = requested.map((at) => requested.filter((other) => other === at).length);
    expect(requested.length).toBeGreaterThanOrEqual(90);
    expect(Math.max(...inMinute)).toBeLessThan(30);
  });

  it('while that fails the old one is given on, with ever longer pauses between the questions', async () => {
    const { requestToken, clock, source, wanted, first } = await renewing();
    requestToken.mockRejectedValue(new TokenError('unavailable', 'away'));
    const requested: number[] = [];
    for (let second = 0; second < 59 * 60; second += 1) {
      await clock.advance(1000);
      const before = requestToken.mock.calls.length;
      expect((await source.get(wanted, free)).issued).toBe(first);
      if (requestToken.mock.calls.length > before) requested.push(clock.now());
    }
    const pauses = requested.slice(1).map((at, index) => at - (requested[index] ?? 0));
    expect(requested.length).toBeLessThan(8);
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
  });

  it('a caller whose token is nearly over waits a second for a new one, no longer', async () => {
    const { requestToken, clock, source, wanted, first } = await renewing();
    await clock.advance(56 * minute);
    requestToken.mockReturnValue(new Promise(() => undefined));
    const timers = clock.pending;
    const answer = source.get(wanted, free);
    await clock.advance(999);
    const early = await Promise.race([answer, Promise.resolve('waits')]);
    expect(early).toBe('waits');
    await clock.advance(1);
    await expect(answer).resolves.toEqual({ issued: first, from: 'stale' });
    expect(clock.pending).toBe(timers);
  });

  it('once that succeeded, the next failure is followed by a short pause again', async () => {
    const { requestToken, clock, source, wanted } = await renewing();
    const requested = () => requestToken.mock.calls.length;
    const working = requestToken.getMockImplementation();
    const use = async (ms: number) => {
      await clock.advance(ms);
      source.cached(wanted, () => free);
      await clock.advance(0);
    };
    requestToken.mockImplementation(() => Promise.reject(new TokenError('unavailable', 'away')));
    await use(54 * minute);
    for (let second = 0; second < 50; second += 1) await use(1_000);
    expect(requested()).toBeGreaterThan(3);
    requestToken.mockImplementation(working!);
    await source.get({ ...wanted, bypassCache: true }, free);
    requestToken.mockImplementation(() => Promise.reject(new TokenError('unavailable', 'away')));
    const before = requested();
    await use(54 * minute);
    expect(requested()).toBe(before + 1);
    await use(10_000);
    expect(requested()).toBe(before + 2);
  });
});

describe('W-P8: a service that wants to be left alone', () => {
  it.each([
    ['throttled', 7000, 7000],
    ['updating', undefined, 5000],
  ] as const)(
    '%s (%s): no question for that token until then, every caller is told at once',
    async (...given) => {
      const [code, retryAfterMs, pauseMs] = given;
      const { requestToken, clock, source } = stage();
      const wanted = wantedFor(subjectOf('reader'));
      requestToken.mockRejectedValueOnce(new TokenError(code, 'not now', { retryAfterMs }));
      await expect(source.get(wanted, free)).rejects.toMatchObject({ code });
      await clock.advance(pauseMs - 400);
      const left = { code, retryAfterMs: retryAfterMs === undefined ? undefined : 400 };
      for (const again of [wanted, { ...wanted, bypassCache: true }])
        await expect(source.get(again, free)).rejects.toMatchObject(left);
      expect(requestToken).toHaveBeenCalledTimes(1);
      await expect(source.get(wantedFor(subjectOf('writer')), free)).resolves.toBeDefined();
      await clock.advance(400);
      await expect(source.get(wanted, free)).resolves.toMatchObject({ from: 'miss' });
    },
  );
});

describe('an application that Entra slows down', () => {
  const tooMany = () => new TokenError('throttled', 'too many', { retryAfterMs: 30_000 });
  const get = ({ source }: ReturnType<typeof stage>, over: Partial<WantedToken> = {}, caller = free) =>
    source.get({ ...wantedFor(application), ...over }, caller);

  it('asks for nothing at all, another one goes on', async () => {
    const staged = stage();
    const { requestToken, clock } = staged;
    requestToken.mockRejectedValueOnce(tooMany());
    await expect(get(staged)).rejects.toMatchObject({ code: 'throttled' });
    await expect(get(staged, { resource: 'https://other' })).rejects.toMatchObject({ code: 'throttled' });
    expect(requestToken).toHaveBeenCalledTimes(1);
    await expect(get(staged, { subject: { ...application, clientId: 'next' } })).resolves.toBeDefined();
    await clock.advance(30_000);
    await expect(get(staged)).resolves.toBeDefined();
  });

  it('after an answer nothing is held against it, also by a clock that is set back', async () => {
    const staged = stage();
    const { requestToken, clock } = staged;
    requestToken.mockRejectedValueOnce(tooMany());
    await get(staged).catch(() => undefined);
    await clock.advance(30_000);
    await get(staged);
    const now = clock.now();
    clock.now = () => now - 60_000;
    await expect(get(staged, { resource: 'https://other' })).resolves.toMatchObject({ from: 'miss' });
  });

  it('attack: because of the resources of one namespace: another namespace asks for its own', async () => {
    const staged = stage();
    staged.requestToken.mockRejectedValueOnce(tooMany());
    const hostile = callerOf({ namespace: 'hostile' });
    await expect(get(staged, { resource: 'api://loop' }, hostile)).rejects.toMatchObject({
      code: 'throttled',
    });
    await expect(get(staged, {}, hostile)).rejects.toMatchObject({ code: 'throttled' });
    await expect(get(staged, {}, callerOf({ namespace: 'victim' }))).resolves.toMatchObject({ from: 'miss' });
  });
});

describe('an identity that the service does not know', () => {
  const notFound = () => new TokenError('not-on-host', 'Identity not found');
  const wanted = wantedFor(subjectOf('reader'));
  const { resourceId } = subjectOf('reader') as Extract<
    WantedToken['subject'],
    { readonly kind: 'identity' }
  >;

  it('is remembered, whatever resource is asked for: distinct resources make no questions', async () => {
    const { requestToken, source } = stage();
    requestToken.mockImplementation(() => Promise.reject(notFound()));
    for (let index = 0; index < 100; index += 1)
      await expect(source.get({ ...wanted, resource: `api://${index}` }, free)).rejects.toMatchObject({
        code: 'not-on-host',
      });
    expect(requestToken).toHaveBeenCalledTimes(1);
  });

  it('is asked for at once by another namespace, and after a hint by its own', async () => {
    const { requestToken, source } = stage();
    requestToken.mockRejectedValueOnce(notFound());
    await expect(source.get(wanted, free)).rejects.toMatchObject({ code: 'not-on-host' });
    const shop = callerOf({ namespace: 'shop' });
    await expect(source.get({ ...wanted, resource: 'api://shop' }, shop)).resolves.toBeDefined();
    source.hint('shop', resourceId);
    await expect(source.get(wanted, free)).rejects.toMatchObject({ code: 'not-on-host' });
    source.hint('default', resourceId);
    await expect(source.get(wanted, free)).resolves.toBeDefined();
    await expect(source.get({ ...wanted, resource: 'api://other' }, free)).resolves.toBeDefined();
  });

  it('is asked for by one request at a time, in a queue of its own that is not charged to the pod', async () => {
    const clock = createFakeClock();
    const queues: string[] = [];
    const requestToken = vi.fn(() => Promise.reject<IssuedToken>(notFound()));
    const source = createTokenSource({
      upstream: { requestToken },
      clock,
      random: () => 0,
      queueFor: (_, lastResponse) => {
        queues.push(lastResponse);
        return openQueue;
      },
    });
    let admitted = 1;
    const once = admitting(() => (admitted-- > 0 ? 0 : 1_000));
    await expect(source.get(wanted, once)).rejects.toMatchObject({ code: 'not-on-host' });
    await clock.advance(1_000);
    const answer = Promise.withResolvers<IssuedToken>();
    requestToken.mockReturnValue(answer.promise);
    const again = source.get(wanted, once);
    await expect(source.get({ ...wanted, resource: 'api://other' }, once)).rejects.toMatchObject({
      code: 'not-on-host',
    });
    expect(source.mayRequest(wanted.subject, 'default')).toBe(false);
    answer.resolve(issuedTo('reader'));
    await expect(again).resolves.toMatchObject({ from: 'miss' });
    expect(source.mayRequest(wanted.subject, 'default')).toBe(true);
    expect(requestToken).toHaveBeenCalledTimes(2);
    await source.get({ ...wanted, resource: 'api://other' }, free);
    expect(queues).toEqual(['new', 'unknown', 'known']);
  });

  it('is asked for again after a request that ended by a bug', async () => {
    const { requestToken, clock, source } = stage();
    requestToken.mockRejectedValueOnce(notFound()).mockRejectedValueOnce(new RangeError('bug'));
    await expect(source.get(wanted, free)).rejects.toMatchObject({ code: 'not-on-host' });
    await clock.advance(1_000);
    await expect(source.get(wanted, free)).rejects.toThrow(RangeError);
    await clock.advance(5_000);
    await expect(source.get(wanted, free)).resolves.toMatchObject({ from: 'miss' });
  });

  it('is still not known where its turn did not come or the service failed, for two minutes, and then that is told', async () => {
    const clock = createFakeClock();
    let isFull = false;
    const queue: TurnQueue = {
      waiting: 0,
      enter: (...entering) => (isFull ? undefined : openQueue.enter(...entering)),
    };
    const requestToken = vi.fn(() => Promise.reject<IssuedToken>(notFound()));
    const source = createTokenSource({
      upstream: { requestToken },
      clock,
      random: () => 0,
      queueFor: () => queue,
    });
    await expect(source.get(wanted, free)).rejects.toMatchObject({ code: 'not-on-host' });
    await clock.advance(1_000);
    isFull = true;
    await expect(source.get(wanted, free)).rejects.toMatchObject({ code: 'not-on-host' });
    expect(source.mayRequest(wanted.subject, 'default')).toBe(false);
    await clock.advance(5_000);
    isFull = false;
    requestToken.mockRejectedValue(
      new TokenError('throttled', 'slow down', { status: 429, retryAfterMs: 60_000 }),
    );
    for (let passed = 6_000; passed < 120_000; passed += 5_000) {
      await expect(source.get(wanted, free)).rejects.toMatchObject({ code: 'not-on-host' });
      expect(source.mayRequest(wanted.subject, 'default')).toBe(false);
      await clock.advance(5_000);
    }
    expect(requestToken.mock.calls.length).toBeLessThanOrEqual(3);
    await expect(source.get(wanted, free)).rejects.toMatchObject({ code: 'throttled' });
  });
});

describe('what is dropped', () => {
  it('all tokens of subjects that are not kept', async () => {
    const { source } = stage();
    const [reader, writer] = [wantedFor(subjectOf('reader')), wantedFor(subjectOf('writer'))];
    for (const wanted of [reader, writer]) await source.get(wanted, free);
    source.prune((subject) => subject.kind === 'identity' && subject.name === 'default/writer');
    expect(source.cached(reader, () => free)).toBeUndefined();
    expect(source.cached(writer, () => free)).toBeDefined();
  });

  it('a subject that must be looked at first: its tokens are returned after that, if they are still there', async () => {
    const looks: PromiseWithResolvers<undefined>[] = [];
    const state = { isDue: false };
    const look = () => {
      if (!state.isDue) return undefined;
      const looking = Promise.withResolvers<undefined>();
      looks.push(looking);
      return looking.promise;
    };
    const requestToken = vi.fn(() => Promise.resolve(issuedTo('reader')));
    const source = createTokenSource({
      ...open,
      upstream: { requestToken },
      clock: createFakeClock(),
      random: () => 0,
      look,
    });
    const wanted = wantedFor(subjectOf('reader'));
    state.isDue = true;
    const { issued } = await source.get(wanted, free);
    expect([looks.length, requestToken.mock.calls.length]).toEqual([0, 1]);
    expect(source.cached(wanted, () => free)).toBeUndefined();
    const end = (change: () => void) => {
      state.isDue = false;
      change();
      for (const { resolve } of looks) resolve(undefined);
    };
    const kept = source.get(wanted, free);
    end(() => undefined);
    expect(await kept).toEqual({ issued, from: 'hit' });
    state.isDue = true;
    const changed = source.get(wanted, free);
    end(() => source.prune(() => false));
    expect((await changed).from).toBe('miss');
  });

  it('a look that takes longer than a second: the old token is returned if no new one comes', async () => {
    const clock = createFakeClock();
    const answer = vi.fn(() => Promise.resolve(issuedTo('reader')));
    const state = { isDue: false };
    const source = createTokenSource({
      ...open,
      upstream: { requestToken: answer },
      clock,
      random: () => 0,
      look: () => (state.isDue ? new Promise(() => undefined) : undefined),
    });
    const wanted = wantedFor(subjectOf('reader'));
    const { issued } = await source.get(wanted, free);
    state.isDue = true;
    answer.mockReturnValue(new Promise(() => undefined));
    const waiting = source.get(wanted, free);
    await clock.advance(2_000);
    expect(await waiting).toEqual({ issued, from: 'stale' });
  });
});

describe('item 27: callers who want none from memory', () => {
  it('get a new one, which others then get from memory', async () => {
    const { requestToken, source } = stage();
    const wanted = wantedFor(subjectOf('reader'));
    await source.get(wanted, free);
    const renewed = await source.get({ ...wanted, bypassCache: true }, free);
    expect(requestToken).toHaveBeenCalledTimes(2);
    expect(source.cached(wanted, () => free)).toBe(renewed.issued);
  });
});

describe('W-S15: an AzureIdentity whose client id is not that of its resource', () => {
  const lying = wantedFor(subjectOf('reader', { clientId: clientIdOf('victim') }));

  it('gets nothing, and is told what to correct without a full foreign id', async () => {
    const { source } = stage();
    const error = await source.get(lying, free).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'misconfigured' });
    expect(String(error)).toContain('AzureIdentity default/reader has a spec.clientID');
    expect(String(error)).not.toContain(clientIdOf('reader'));
  });

  it('is believed to be wrong for a minute, without a question for each call', async () => {
    const { requestToken, source, clock } = stage();
    await clock.advance(3_600_000);
    await source.get(lying, free).catch(() => undefined);
    await clock.advance(59_999);
    await source.get(lying, free).catch(() => undefined);
    expect(requestToken).toHaveBeenCalledTimes(1);
    await clock.advance(1);
    await source.get(lying, free).catch(() => undefined);
    expect(requestToken).toHaveBeenCalledTimes(2);
  });

  it('gets nothing from memory either, where an honest one for the same resource filled it', async () => {
    const { requestToken, source, clock } = stage();
    await source.get(wantedFor(subjectOf('reader')), free);
    expect(source.cached(lying, () => free)).toBeUndefined();
    await expect(source.get(lying, free)).rejects.toMatchObject({ code: 'misconfigured' });
    expect(requestToken).toHaveBeenCalledTimes(1);
    await clock.advance(minute);
    await expect(source.get(lying, free)).rejects.toMatchObject({ code: 'misconfigured' });
    expect(requestToken).toHaveBeenCalledTimes(2);
  });

  it('item 8: heals when the managed identity was made again and the client id was corrected', async () => {
    const { requestToken, source, clock } = stage();
    await source.get(wantedFor(subjectOf('reader')), free);
    await clock.advance(minute);
    requestToken.mockImplementation(() =>
      Promise.resolve({ ...issuedTo('reader', { now: minute }), clientId: clientIdOf('remade') }),
    );
    const corrected = wantedFor(subjectOf('reader', { clientId: clientIdOf('remade') }));
    await expect(source.get(corrected, free)).resolves.toMatchObject({
      issued: { clientId: clientIdOf('remade') },
    });
  });

  it('without a client id in the object or in the answer there is nothing to compare', async () => {
    const { requestToken, source } = stage();
    await expect(source.get(wantedFor(subjectOf('reader', { clientId: '' })), free)).resolves.toBeDefined();
    requestToken.mockResolvedValueOnce({ ...issuedTo('writer'), clientId: undefined });
    await expect(source.get(wantedFor(subjectOf('writer')), free)).resolves.toBeDefined();
  });
});

describe('a managed identity that was deleted and made again', () => {
  const day = 24 * 60 * minute;
  const remade = () => {
    const { clock, requestToken, source } = stage(day);
    requestToken.mockImplementation(() =>
      Promise.resolve(
        issuedTo(clock.now() < minute ? 'before' : 'after', { expiresInMs: day, now: clock.now() }),
      ),
    );
    return { clock, requestToken, source };
  };

  it.each([
    ['an AzureIdentity without spec.clientID', subjectOf('reader', { clientId: '' })],
    ['the identity of the machine', { kind: 'machine', by: 'nothing' } as const],
    ['a resource id', { kind: 'machine', by: 'resource-id', value: '/reader' } as const],
  ])('by %s: its old token leaves no longer than ten minutes', async (_, subject) => {
    const { clock, source } = remade();
    await source.get(wantedFor(subject), free);
    await clock.advance(10 * minute);
    const { issued } = await source.get(wantedFor(subject), free);
    expect(issued.clientId).toBe(clientIdOf('after'));
  });

  it('so also after a neighbour with spec.clientID has asked, and a pod that asks often gets the new one sooner', async () => {
    const { clock, source } = remade();
    await source.get(wantedFor(subjectOf('reader', { clientId: clientIdOf('before') })), free);
    const wanted = wantedFor(subjectOf('reader', { clientId: '' }));
    await clock.advance(5 * minute);
    await source.get(wanted, free);
    await clock.advance(0);
    expect((await source.get(wanted, free)).issued.clientId).toBe(clientIdOf('after'));
  });

  it('while no new token can be had, the old one leaves', async () => {
    const { clock, requestToken, source } = remade();
    const wanted = wantedFor(subjectOf('reader', { clientId: '' }));
    await source.get(wanted, free);
    requestToken.mockRejectedValue(new TokenError('unavailable', 'away'));
    await clock.advance(60 * minute);
    expect(await source.get(wanted, free)).toMatchObject({ from: 'stale' });
  });

  it('by spec.clientID nothing is asked for before half of the life', async () => {
    const { clock, requestToken, source } = remade();
    const wanted = wantedFor(subjectOf('reader', { clientId: clientIdOf('before') }));
    await source.get(wanted, free);
    await clock.advance(11 * 60 * minute);
    await source.get(wanted, free);
    expect(requestToken).toHaveBeenCalledTimes(1);
  });
});

describe('an identity without client id that the service does not find after ten minutes', () => {
  const notFound = () => new TokenError('not-on-host', 'Identity not found', { status: 400 });
  const wanted = wantedFor(subjectOf('reader', { clientId: '' }));
  const aged = async () => {
    const { clock, requestToken, source } = stage(24 * 60 * minute);
    await source.get(wanted, free);
    await clock.advance(11 * minute);
    return { clock, requestToken, source };
  };

  it('for a moment: the next request gets the new token', async () => {
    const { clock, requestToken, source } = await aged();
    requestToken.mockRejectedValueOnce(notFound());
    await expect(source.get(wanted, free)).rejects.toMatchObject({ code: 'not-on-host' });
    await clock.advance(1_000);
    await expect(source.get(wanted, free)).resolves.toMatchObject({
      from: 'miss',
      issued: { access: { token: 'token-2' } },
    });
    expect(requestToken).toHaveBeenCalledTimes(3);
  });

  it('for longer: each request fails, also one of another namespace, and none gets the old token', async () => {
    const { clock, requestToken, source } = await aged();
    const shop = callerOf({ namespace: 'shop' });
    requestToken.mockImplementation(() => Promise.reject(notFound()));
    for (let passed = 0; passed < 300_000; passed += 1_000) {
      for (const caller of [free, shop])
        await expect(source.get(wanted, caller)).rejects.toMatchObject({ code: 'not-on-host' });
      await clock.advance(1_000);
    }
  });

  /** A request every second, for half a minute. */
  const leaves = async ({ clock, source }: Pick<Awaited<ReturnType<typeof aged>>, 'clock' | 'source'>) => {
    const left = vi.fn();
    for (let passed = 0; passed < 30_000; passed += 1_000) {
      source.get(wanted, free).then(left, () => undefined);
      await clock.advance(1_000);
    }
    return left.mock.calls.length > 0;
  };

  it.each([
    ['fails', () => Promise.reject(new TokenError('unavailable', 'away'))],
    ['does not come', () => new Promise<IssuedToken>(() => undefined)],
  ])('and the next answer %s: the old token does not leave', async (_, answer) => {
    const staged = await aged();
    staged.requestToken.mockRejectedValueOnce(notFound()).mockImplementation(answer);
    expect(await leaves(staged)).toBe(false);
    expect(staged.requestToken.mock.calls.length).toBeGreaterThan(2);
  });

  it('nor in the background before: the old token does not leave after the ten minutes', async () => {
    const staged = stage(24 * 60 * minute);
    const { clock, requestToken, source } = staged;
    await source.get(wanted, free);
    requestToken.mockImplementation(() => Promise.reject(notFound()));
    for (let passed = 0; passed < 10 * minute; passed += 1_000) {
      await source.get(wanted, free);
      await clock.advance(1_000);
    }
    expect(await leaves(staged)).toBe(false);
  });
});
