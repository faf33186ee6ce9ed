import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';
import { describe, expect, it, vi } from 'vitest';
import { accessPair } from '../../test/builders.ts';
import type { AccessPair, ReviewUse } from './types.ts';
import { createVerdicts } from './verdicts.ts';

const minute = 60_000;
const tenant = { namespace: 'pay', pod: 'uid-web' };
const of = (namespace: string, pod = `uid-${namespace}`) => ({ namespace, pod });

const stage = (over: { maxAgeMs?: number; graceMs?: number } = {}) => {
  const clock = createFakeClock(minute);
  const reviewUse = vi.fn<ReviewUse>(() => Promise.resolve(true));
  const asked: string[] = [];
  const verdicts = createVerdicts({
    maxAgeMs: 15_000,
    graceMs: 10 * minute,
    ...over,
    reviewUse,
    clock,
    onReviewed: (verdict) => asked.push(verdict),
  });
  return { reviewUse, asked, clock, ...verdicts };
};

const never = () => new Promise<boolean>(() => undefined);
const refuse = () => Promise.reject(new Error('429'));

/** Advances the clock until the promise settles, and returns its value. */
async function after<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  const state = { isOver: false };
  void promise.finally(() => (state.isOver = true));
  for (let step = 0; step < 100 && !state.isOver; step += 1) await clock.advance(1_000);
  return promise;
}

describe('a right', () => {
  it('is asked for once, and its answer counts for the maximum age', async () => {
    const { verdict, known, clock, reviewUse } = stage();
    const pair = accessPair();
    expect(known(pair, tenant)).toBeUndefined();
    await expect(verdict(pair, tenant)).resolves.toBe('allowed');
    await clock.advance(9_999);
    expect(known(pair, tenant)).toBe('allowed');
    expect(reviewUse).toHaveBeenCalledTimes(1);
    await clock.advance(5_001 + 1);
    reviewUse.mockImplementation(never);
    expect(known(pair, tenant)).toBeUndefined();
  });

  it('is asked for again on the side when it is used late in its life', async () => {
    const { verdict, known, clock, reviewUse } = stage();
    const pair = accessPair();
    await verdict(pair, tenant);
    await clock.advance(10_000);
    expect(known(pair, tenant)).toBe('allowed');
    await clock.advance(0);
    expect(reviewUse).toHaveBeenCalledTimes(2);
    await clock.advance(14_000);
    expect(known(pair, tenant)).toBe('allowed');
  });

  it('counts by when it was asked for, not by when the answer came', async () => {
    const { verdict, known, clock, reviewUse } = stage();
    const pair = accessPair();
    reviewUse.mockImplementation(async () => {
      await clock.sleep(4_000);
      return true;
    });
    await expect(after(clock, verdict(pair, tenant))).resolves.toBe('allowed');
    reviewUse.mockImplementation(never);
    await clock.advance(11_001 - 1_000);
    expect(known(pair, tenant)).toBe('allowed');
    await clock.advance(1_000);
    expect(known(pair, tenant)).toBeUndefined();
  });

  it('that was withdrawn ends what was allowed, with the first answer that says so', async () => {
    const { verdict, known, clock, reviewUse } = stage();
    const pair = accessPair();
    await verdict(pair, tenant);
    reviewUse.mockResolvedValue(false);
    await clock.advance(10_000);
    known(pair, tenant);
    await clock.advance(0);
    expect(known(pair, tenant)).toBe('denied');
    reviewUse.mockImplementation(refuse);
    await clock.advance(6_000);
    await expect(verdict(pair, tenant)).resolves.toBe('unanswered');
  });

  it('on the group or the subscription is as good, and is asked for first the next time', async () => {
    const { verdict, clock, reviewUse } = stage();
    const pair = accessPair();
    const [, group] = pair.target.names;
    reviewUse.mockImplementation(({ name }) => Promise.resolve(name === group));
    await expect(verdict(pair, tenant)).resolves.toBe('allowed');
    expect(reviewUse).toHaveBeenCalledTimes(2);
    await clock.advance(15_001);
    await verdict(pair, tenant);
    expect(reviewUse).toHaveBeenCalledTimes(3);
    expect(reviewUse.mock.lastCall?.[0]).toMatchObject({ resource: 'managedidentities', name: group });
  });

  it('is refused only when every name of it is', async () => {
    const { verdict, reviewUse } = stage();
    reviewUse.mockResolvedValue(false);
    const pair = accessPair();
    await expect(verdict(pair, tenant)).resolves.toBe('denied');
    expect(reviewUse.mock.calls.map(([{ name }]) => name)).toEqual(pair.target.names);
  });

  it('of one ServiceAccount says nothing about another one, or another target', async () => {
    const { verdict, reviewUse } = stage();
    reviewUse.mockImplementation(({ subject, name }) =>
      Promise.resolve(subject.name === 'web' && name.endsWith('/reader')),
    );
    await expect(verdict(accessPair(), tenant)).resolves.toBe('allowed');
    await expect(verdict(accessPair({ account: 'other' }), tenant)).resolves.toBe('denied');
    await expect(verdict(accessPair({ identity: 'writer' }), tenant)).resolves.toBe('denied');
    await expect(verdict(accessPair({ namespace: 'shop' }), of('shop'))).resolves.toBe('allowed');
  });
});

describe('questions that are not answered', () => {
  it('end after 5 s, for everybody who waits', async () => {
    const { verdict, clock, reviewUse } = stage();
    const pair = accessPair();
    reviewUse.mockImplementation(never);
    const all = [verdict(pair, tenant), verdict(pair, tenant)];
    await clock.advance(5_000);
    await expect(Promise.all(all)).resolves.toEqual(['unanswered', 'unanswered']);
    expect(reviewUse).toHaveBeenCalledTimes(1);
    expect(reviewUse.mock.lastCall?.[1].aborted).toBe(true);
  });

  it('keep nobody waiting while the last positive answer counts', async () => {
    const { verdict, known, clock, reviewUse } = stage();
    const pair = accessPair();
    await verdict(pair, tenant);
    reviewUse.mockImplementation(never);
    await clock.advance(10_000);
    for (let passed = 0; passed < 8 * minute; passed += 500) {
      expect(known(pair, tenant)).toBe('allowed');
      await clock.advance(500);
    }
  });
});

describe('a storm of pairs of one namespace', () => {
  it('keeps pods of other namespaces waiting for one question at most', async () => {
    const { verdict, clock, reviewUse } = stage();
    reviewUse.mockImplementation(async () => {
      await clock.sleep(100);
      return true;
    });
    const storm = Array.from({ length: 1_000 }, (_, index) =>
      verdict(accessPair({ namespace: 'evil', identity: `i${index}` }), of('evil', `uid-${index % 200}`)),
    );
    const begun = clock.now();
    let tookMs = Infinity;
    void verdict(accessPair(), tenant).then(() => (tookMs = clock.now() - begun));
    await clock.advance(200);
    expect(tookMs).toBeLessThanOrEqual(200);
    const answers = await after(clock, Promise.all(storm));
    expect(answers.filter((answer) => answer === 'busy').length).toBeGreaterThan(700);
  });

  it.each([1, 2, 3, 4])(
    'attack: of %i namespaces, none of whose reviews is answered, leaves a place for another one at once',
    async (count) => {
      const { verdict, clock, reviewUse } = stage();
      reviewUse.mockImplementation(({ subject }) =>
        subject.namespace === 'pay' ? Promise.resolve(true) : never(),
      );
      // One after the other: the first one finds all places free.
      for (let at = 0; at < count; at += 1)
        for (let index = 0; index < 60; index += 1) {
          const namespace = `evil-${at}`;
          void verdict(accessPair({ namespace, identity: `i${index}` }), of(namespace, `uid-${index % 2}`));
        }
      await clock.advance(0);
      let answer: string | undefined;
      void verdict(accessPair(), tenant).then((verdict) => (answer = verdict));
      await clock.advance(0);
      expect(answer).toBe('allowed');
    },
  );

  it('evicts no verdict of another namespace', async () => {
    const { verdict, known, clock } = stage({ maxAgeMs: 10 * minute });
    await verdict(accessPair(), tenant);
    for (let index = 0; index < 3_000; index += 1) {
      const namespace = `evil${index % 2}`;
      await verdict(accessPair({ namespace, identity: `i${index}` }), of(namespace));
      await clock.advance(100);
    }
    expect(known(accessPair(), tenant)).toBe('allowed');
    expect(known(accessPair({ namespace: 'evil0', identity: 'i0' }), of('evil0'))).toBeUndefined();
  });

  it('does not extend a right that was withdrawn, by questions that find no place', async () => {
    const { verdict, known, clock, reviewUse } = stage();
    const pair = accessPair({ namespace: 'evil' });
    await verdict(pair, of('evil'));
    reviewUse.mockImplementation(async () => {
      await clock.sleep(50);
      return false;
    });
    let storming = 0;
    for (let passed = 0; passed < 5 * minute; passed += 100) {
      for (let index = 0; index < 50; index += 1)
        void verdict(
          accessPair({ namespace: 'evil', identity: `i${(storming += 1)}` }),
          of('evil', `uid-${storming % 5}`),
        );
      const seen = known(pair, of('evil')) ?? 'none';
      if (passed > 15_000) expect(seen).not.toBe('allowed');
      await clock.advance(100);
    }
    const last = await after(clock, verdict(pair, of('evil')));
    expect(last).not.toBe('allowed');
  });
});

describe('a review whose turn does not come', () => {
  const many = (namespace: string, count: number) =>
    Array.from({ length: count }, (_, index) => accessPair({ namespace, identity: `i${index}` }));
  /** All pairs were allowed once, and the answers have expired. */
  const allowedOnce = async (pairs: readonly AccessPair[]) => {
    const scene = stage();
    for (const pair of pairs) await scene.verdict(pair, of(pair.subject.namespace));
    await scene.clock.advance(60_000);
    return scene;
  };

  it('counts as unanswered when the API server answered nobody meanwhile', async () => {
    const pairs = ['a', 'b', 'c'].flatMap((namespace) => many(namespace, 8));
    const { reviewUse, clock, verdict } = await allowedOnce(pairs);
    reviewUse.mockImplementation(never);
    const all = Promise.all(pairs.map((pair) => verdict(pair, of(pair.subject.namespace))));
    await clock.advance(5_000);
    expect(new Set(await all)).toEqual(new Set(['allowed']));
    expect(reviewUse.mock.calls.length).toBeLessThan(pairs.length + 24);
  });

  it('is no grace when the API server answers others meanwhile', async () => {
    const pairs = ['a', 'b', 'c'].flatMap((namespace) => many(namespace, 8));
    const { reviewUse, asked, clock, verdict } = await allowedOnce(pairs);
    // One question is answered; the others keep their places.
    let answered = 0;
    reviewUse.mockImplementation(async () => {
      if ((answered += 1) > 1) return never();
      await clock.sleep(1_000);
      return true;
    });
    const all = Promise.all(pairs.map((pair) => verdict(pair, of(pair.subject.namespace))));
    await clock.advance(10_000);
    const counts = Map.groupBy(await all, (answer) => answer);
    expect(counts.get('busy')?.length).toBeGreaterThan(0);
    expect(asked.slice(pairs.length)).toContain('busy');
  });

  it('counts as unanswered when all that the API server sends is failures', async () => {
    const pairs = ['a', 'b', 'c', 'd', 'e', 'f'].flatMap((namespace) => many(namespace, 8));
    const { reviewUse, clock, verdict } = await allowedOnce(pairs);
    reviewUse.mockImplementation(async () => {
      await clock.sleep(3_900);
      throw new Error('503');
    });
    const all = Promise.all(pairs.map((pair) => verdict(pair, of(pair.subject.namespace))));
    await clock.advance(20_000);
    expect(new Set(await all)).toEqual(new Set(['allowed']));
  });

  it('counts as unanswered when the API server never answered anybody', async () => {
    const { reviewUse, clock, verdict } = stage();
    reviewUse.mockImplementation(never);
    const pairs = ['a', 'b', 'c'].flatMap((namespace) => many(namespace, 8));
    const all = Promise.all(pairs.map((pair) => verdict(pair, of(pair.subject.namespace))));
    await clock.advance(20_000);
    expect(new Set(await all)).toEqual(new Set(['unanswered']));
  });

  it('comes later when the node has begun 64 reviews at once', async () => {
    const { reviewUse, clock, verdict } = stage();
    const pairs = Array.from('abcdefghij').flatMap((namespace) => many(namespace, 8));
    const all = Promise.all(pairs.map((pair) => verdict(pair, of(pair.subject.namespace))));
    await clock.advance(0);
    expect(reviewUse).toHaveBeenCalledTimes(64);
    await clock.advance(1_000);
    expect(new Set(await all)).toEqual(new Set(['allowed']));
  });

  it('leaves nothing behind: the next one is asked', async () => {
    const { reviewUse, clock, verdict } = stage();
    reviewUse.mockImplementation(never);
    const own = accessPair({ namespace: 'evil', identity: 'own' });
    for (const pair of many('evil', 60)) void verdict(pair, of('evil'));
    await clock.advance(0);
    await expect(verdict(own, of('evil'))).resolves.toBe('busy');
    reviewUse.mockResolvedValue(true);
    await clock.advance(20_000);
    await expect(after(clock, verdict(own, of('evil')))).resolves.toBe('allowed');
  });

  it('takes nothing away before the maximum age', async () => {
    const { reviewUse, clock, known, verdict } = stage();
    const own = accessPair({ namespace: 'evil', identity: 'own' });
    await verdict(own, of('evil'));
    await clock.advance(10_000);
    reviewUse.mockImplementation(never);
    for (const pair of many('evil', 60)) void verdict(pair, of('evil'));
    expect(known(own, of('evil'))).toBe('allowed');
    await clock.advance(0);
    expect(known(own, of('evil'))).toBe('allowed');
    await clock.advance(5_001);
    expect(known(own, of('evil'))).toBeUndefined();
  });

  it('is no grace when it found no place', async () => {
    const { reviewUse, clock, verdict } = stage();
    const own = accessPair({ namespace: 'evil', identity: 'own' });
    await verdict(own, of('evil'));
    await clock.advance(60_000);
    reviewUse.mockImplementation(never);
    for (const pair of many('evil', 60)) void verdict(pair, of('evil'));
    await clock.advance(0);
    await expect(verdict(own, of('evil'))).resolves.toBe('busy');
  });

  it('that is refused because others have used up the quota of its namespace is not charged to its pod', async () => {
    const { clock, verdict } = stage();
    let index = 0;
    const ask = (pod: string) =>
      verdict(accessPair({ namespace: 'shop', identity: `i${(index += 1)}` }), of('shop', pod));
    for (const pod of ['busy-1', 'busy-2', 'busy-3', 'busy-4'])
      for (let turn = 0; turn < 64; turn += 1) void ask(pod);
    for (let turn = 0; turn < 200; turn += 1) expect(await ask('quiet')).toBe('busy');
    await clock.advance(5_000);
    for (let turn = 0; turn < 60; turn += 1) expect(await ask('quiet')).toBe('allowed');
  });

  it('is charged to its pod first, and then to its namespace', async () => {
    const { clock, verdict } = stage();
    let index = 0;
    const ask = async (namespace: string, pod: string) => {
      await clock.advance(30);
      return verdict(accessPair({ namespace, identity: `i${(index += 1)}` }), of(namespace, pod));
    };
    const untilBusy = async (podOf: (turn: number) => string) => {
      for (let turn = 0; turn < 3_000; turn += 1)
        if ((await ask('evil', podOf(turn))) === 'busy') return turn;
      return Infinity;
    };
    expect(await untilBusy(() => 'uid-1')).toBeLessThan(200);
    expect(await ask('evil', 'uid-2')).toBe('allowed');
    expect(await untilBusy((turn) => `other-${turn}`)).toBeLessThan(3_000);
    expect(await ask('pay', 'uid-web')).toBe('allowed');
  });
});

it('a pair in use is not the oldest of its namespace', async () => {
  const { clock, known, verdict } = stage({ maxAgeMs: 300_000 });
  const own = accessPair();
  const fill = async (count: number, of_: string) => {
    for (let index = 0; index < count; index += 1) {
      await clock.advance(100);
      await verdict(accessPair({ identity: `${of_}${index}` }), of('pay', `uid-${index % 20}`));
    }
  };
  await verdict(own, tenant);
  await fill(200, 'a');
  await clock.advance(180_000);
  expect(known(own, tenant)).toBe('allowed');
  await clock.advance(0);
  await fill(100, 'b');
  expect(known(own, tenant)).toBe('allowed');
});

it('timers do not outlive their questions', async () => {
  const { clock, verdict } = stage();
  await verdict(accessPair(), tenant);
  expect(clock.pending).toBe(0);
});

it('a failure of one pair is told, and counted as such', async () => {
  const { reviewUse, asked, verdict } = stage();
  reviewUse.mockImplementation(refuse);
  await verdict(accessPair(), tenant);
  expect(asked).toEqual(['unanswered']);
});
