import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { createSetbacks } from './setbacks.ts';
import { TokenError, type TokenErrorCode } from './errors.ts';

const stage = () => {
  const clock = createFakeClock(1_000_000);
  const setbacks = createSetbacks({ clock, random: () => 0.5 });
  const fail = (code: TokenErrorCode, retryAfterMs?: number, name = 'a') =>
    setbacks.note(name, new TokenError(code, `why ${code}`, { status: 599, retryAfterMs }));
  return { clock, setbacks, fail };
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
    const { clock, setbacks, fail } = stage();
    fail(code, after);
    await clock.advance(ms - 1);
    const retryAfterMs = after === undefined ? undefined : 1;
    expect(setbacks.refusal('a')).toMatchObject({ code, status: 599, message: `why ${code}`, retryAfterMs });
    await clock.advance(1);
    expect(setbacks.refusal('a')).toBeUndefined();
  },
);

it('after other failures callers ask at once', () => {
  const { setbacks, fail } = stage();
  fail('unavailable');
  expect(setbacks.refusal('a')).toBeUndefined();
});

it('a question that nobody waits for is asked after growing pauses, and not before callers may', async () => {
  const { clock, setbacks, fail } = stage();
  expect(setbacks.mayTry('a')).toBe(true);
  const pauseAfter = async (retryAfterMs?: number) => {
    fail('unavailable', retryAfterMs);
    const from = clock.now();
    while (!setbacks.mayTry('a')) await clock.advance(500);
    return clock.now() - from;
  };
  const [first, second] = [await pauseAfter(), await pauseAfter()];
  expect(second).toBeGreaterThan(first);
  expect(await pauseAfter(500_000)).toBe(500_000);
  setbacks.clear('a');
  expect(await pauseAfter()).toBe(first);
});

it('of names that failed a bounded number is remembered: the oldest goes', () => {
  const { setbacks, fail } = stage();
  for (let n = 0; n < 1_999; n += 1) fail('throttled', 60_000, `name ${n}`);
  fail('throttled', 60_000, 'name 0');
  fail('throttled', 60_000, 'the last place');
  expect([setbacks.refusal('name 0'), setbacks.refusal('name 1')].map(Boolean)).toEqual([true, true]);
  fail('throttled', 60_000, 'another');
  expect(
    ['name 0', 'name 1', 'name 2', 'another'].map((name) => setbacks.refusal(name) !== undefined),
  ).toEqual([true, false, true, true]);
});
