import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { createSetbacks } from './setbacks.ts';
import { TokenError, type TokenErrorCode } from './errors.ts';

const stage = () => {
  const clock = createFakeClock(1_000_000);
  const setbacks = createSetbacks({ clock, random: () => 0.5 });
  const of = (name: string, namespace = 'shop') => ({ name, namespace });
  const fail = (code: TokenErrorCode, retryAfterMs?: number, requested = of('a')) =>
    setbacks.note(requested, new TokenError(code, `why ${code}`, { status: 599, retryAfterMs }));
  return { clock, setbacks, of, fail };
};

it.each<[TokenErrorCode, number | undefined, number]>([
  ['throttled', undefined, 1_000],
  ['updating', undefined, 5_000],
  ['throttled', 7_000, 7_000],
  ['unavailable', 7_000, 7_000],
  ['throttled', 3_600_000, 600_000],
])(
  'after %s with Retry-After %s callers are told so for %i ms, with what is left of a time that was told',
  async (...[code, after, ms]) => {
    const { clock, setbacks, of, fail } = stage();
    fail(code, after);
    await clock.advance(ms - 1);
    const retryAfterMs = after === undefined ? undefined : 1;
    expect(setbacks.refusal(of('a'))).toMatchObject({
      code,
      status: 599,
      message: `why ${code}`,
      retryAfterMs,
    });
    await clock.advance(1);
    expect(setbacks.refusal(of('a'))).toBeUndefined();
  },
);

it('after other failures callers ask at once', () => {
  const { setbacks, of, fail } = stage();
  fail('unavailable');
  expect(setbacks.refusal(of('a'))).toBeUndefined();
});

it('a question that nobody waits for is asked after growing pauses, and not before callers may', async () => {
  const { clock, setbacks, of, fail } = stage();
  expect(setbacks.mayTry(of('a'))).toBe(true);
  const pauseAfter = async (retryAfterMs?: number) => {
    fail('unavailable', retryAfterMs);
    const from = clock.now();
    while (!setbacks.mayTry(of('a'))) await clock.advance(500);
    return clock.now() - from;
  };
  const [first, second] = [await pauseAfter(), await pauseAfter()];
  expect(second).toBeGreaterThan(first);
  expect(await pauseAfter(500_000)).toBe(500_000);
  setbacks.clear(of('a'));
  expect(await pauseAfter()).toBe(first);
});

it('of names that failed a bounded number is remembered: the oldest goes', () => {
  const { setbacks, of, fail } = stage();
  for (let n = 0; n < 1_999; n += 1) fail('throttled', 60_000, of(`name ${n}`));
  fail('throttled', 60_000, of('name 0'));
  fail('throttled', 60_000, of('the last place'));
  expect([setbacks.refusal(of('name 0')), setbacks.refusal(of('name 1'))].map(Boolean)).toEqual([true, true]);
  fail('throttled', 60_000, of('another'));
  expect(
    ['name 0', 'name 1', 'name 2', 'another'].map((name) => setbacks.refusal(of(name)) !== undefined),
  ).toEqual([true, false, true, true]);
});

it('what fails for one namespace keeps no other from trying, and what succeeds for one ends no pause of another', () => {
  const { setbacks, of, fail } = stage();
  for (const namespace of ['hostile', 'shop']) fail('throttled', 60_000, of('a', namespace));
  fail('throttled', 60_000, of('b', 'hostile'));
  expect([setbacks.refusal(of('a')), setbacks.refusal(of('b'))].map(Boolean)).toEqual([true, false]);
  expect([setbacks.mayTry(of('a')), setbacks.mayTry(of('b'))]).toEqual([false, true]);
  setbacks.clear(of('a'));
  const hostile = ['a', 'b'].map((name) => setbacks.mayTry(of(name, 'hostile')));
  expect([setbacks.mayTry(of('a')), ...hostile]).toEqual([true, false, false]);
});

it.each([
  ['thousands of failures', 3_000, 'name'],
  ['failures with long names', 300, 'ж'.repeat(2_048)],
])('attack: a namespace with %s evicts only its own', (_, count, name) => {
  const { setbacks, of, fail } = stage();
  for (let n = 0; n < 500; n += 1) fail('throttled', 60_000, of(`of the victim ${n}`));
  for (let n = 0; n < count; n += 1) fail('throttled', 60_000, of(`${n} ${name}`, 'hostile'));
  for (let n = 0; n < 500; n += 1) expect(setbacks.refusal(of(`of the victim ${n}`))).toBeDefined();
});

it('attack: failures of any length stay within 2,000 places of 2 KiB', () => {
  const { setbacks, of, fail } = stage();
  const long = (n: number) => of(`${n} ${'ж'.repeat(2_048)}`, `namespace-${n % 100}`);
  for (let n = 0; n < 2_000; n += 1) fail('throttled', 60_000, long(n));
  const kept = Array.from({ length: 2_000 }, (_, n) => setbacks.refusal(long(n))).filter(Boolean);
  // Each takes 4.2 KiB: three places.
  expect(kept).toHaveLength(666);
});
