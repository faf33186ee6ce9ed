import { describe, expect, it } from 'vitest';
import { judge, type Known } from './judge.ts';

const ages = { maxAgeMs: 15_000, graceMs: 600_000 };
const now = 1_000_000;
const answered = (isAllowed: boolean, ageMs: number): Known => ({
  result: { isAllowed, startedAt: now - ageMs },
});
/** The last question ended this long ago without an answer. */
const failed = (ageMs: number, restedMs = ageMs) => ({
  failure: { startedAt: now - ageMs, endedAt: now - restedMs },
});
const mustAsk = { verdict: undefined, isDue: true };

it('says nothing of what was never asked', () => {
  expect(judge({}, now, ages)).toEqual(mustAsk);
});

it.each<[string, Known, object]>([
  ['new', answered(true, 0), { verdict: 'allowed', isDue: false }],
  ['before two thirds of its life', answered(true, 9_999), { verdict: 'allowed', isDue: false }],
  ['after two thirds of its life', answered(true, 10_000), { verdict: 'allowed', isDue: true }],
  ['at its end', answered(true, 15_000), { verdict: 'allowed', isDue: true }],
  ['after its end', answered(true, 15_001), mustAsk],
])('uses a positive answer: %s', (_, known, expected) => {
  expect(judge(known, now, ages)).toEqual(expected);
});

it.each<[string, Known, object]>([
  ['new', answered(false, 0), { verdict: 'denied', isDue: false }],
  ['at its end', answered(false, 5_000), { verdict: 'denied', isDue: false }],
  ['after its end', answered(false, 5_001), mustAsk],
])('uses a denial for a third of the maximum age: %s', (_, known, expected) => {
  expect(judge(known, now, ages)).toEqual(expected);
});

describe('after a question that was not answered', () => {
  it.each<[string, Known, object]>([
    [
      'rests a second before it asks again',
      { ...answered(true, 12_000), ...failed(2_000, 999) },
      { verdict: 'allowed', isDue: false },
    ],
    [
      'asks again after a second',
      { ...answered(true, 12_000), ...failed(2_000, 1_000) },
      { verdict: 'allowed', isDue: true },
    ],
    [
      'uses the old answer at the end of the grace',
      { ...answered(true, 600_000), ...failed(0) },
      { verdict: 'allowed', isDue: false },
    ],
    [
      'refuses after the grace',
      { ...answered(true, 600_001), ...failed(0) },
      { verdict: 'unanswered', isDue: false },
    ],
    [
      'asks again after a third of the maximum age',
      { ...answered(true, 60_000), ...failed(5_000) },
      { verdict: 'allowed', isDue: true },
    ],
    [
      'does not ask again before',
      { ...answered(true, 60_000), ...failed(4_999) },
      { verdict: 'allowed', isDue: false },
    ],
    [
      'does not ask again at once when the question took long',
      { ...answered(true, 60_000), ...failed(5_500, 999) },
      { verdict: 'allowed', isDue: false },
    ],
    [
      'asks again a second after a long question',
      { ...answered(true, 60_000), ...failed(6_000, 1_000) },
      { verdict: 'allowed', isDue: true },
    ],
    [
      'uses the old answer as long as an answer would count',
      { ...answered(true, 60_000), ...failed(15_000) },
      { verdict: 'allowed', isDue: true },
    ],
    ['must ask when the failure is older', { ...answered(true, 60_000), ...failed(15_001) }, mustAsk],
    [
      'gives nothing for an old denial',
      { ...answered(false, 60_000), ...failed(500) },
      { verdict: 'unanswered', isDue: false },
    ],
    [
      'refuses for a second where nothing was allowed',
      failed(5_999, 999),
      { verdict: 'unanswered', isDue: false },
    ],
    ['asks after that second', failed(6_000, 1_000), mustAsk],
  ])('%s', (_, known, expected) => {
    expect(judge(known, now, ages)).toEqual(expected);
  });

  it('uses no old answer with a grace of 0', () => {
    const known = { ...answered(true, 15_001), ...failed(500) };
    expect(judge(known, now, { ...ages, graceMs: 0 })).toEqual({ verdict: 'unanswered', isDue: false });
  });
});
