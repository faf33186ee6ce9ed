import type { NamesReview } from '@pod-identity/policy';
import { describe, expect, it, test } from 'vitest';
import { awaited, foldReview, unreviewed, type PairState } from './pair-verdict.ts';

const recheckMs = 300_000;
const allowed: NamesReview = { kind: 'allowed', level: 0 };
const refused: NamesReview = { kind: 'refused' };
const unanswered: NamesReview = { kind: 'unanswered' };

const folded = (answers: readonly NamesReview[], { chance = 1, now = 0 } = {}): PairState =>
  answers.reduce(
    (state, result) => foldReview(state, result, { now, chance, recheckMs, soonPairs: 0 }),
    unreviewed,
  );
const verdictOf = (...answers: readonly NamesReview[]) => folded(answers).verdict;

test('a pair that was never answered is unknown, and one that was refused at once is denied', () => {
  expect([verdictOf(), verdictOf(unanswered, unanswered), verdictOf(refused)]).toEqual([
    'unknown',
    'unknown',
    'denied',
  ]);
});

describe('a right that is withdrawn', () => {
  it('falls at the second refusal, which is asked for a few seconds after the first', () => {
    expect(folded([allowed, refused])).toMatchObject({ verdict: 'allowed', refusals: 1, dueAt: 5_000 });
    expect(verdictOf(allowed, refused, refused)).toBe('denied');
  });

  it('stays while questions are not answered, however many, and counts from one again when it is granted', () => {
    expect(verdictOf(allowed, ...Array.from({ length: 50 }, () => unanswered))).toBe('allowed');
    expect(verdictOf(allowed, refused, ...Array.from({ length: 50 }, () => unanswered))).toBe('allowed');
    expect(verdictOf(allowed, refused, allowed, refused)).toBe('allowed');
    expect(verdictOf(allowed, refused, unanswered, refused)).toBe('denied');
  });
});

test('a denial is over with the first answer that allows', () => {
  expect(verdictOf(refused, refused, allowed)).toBe('allowed');
  expect(verdictOf(refused, unanswered)).toBe('denied');
});

describe('when a pair is asked again', () => {
  const dueAfter = (answers: readonly NamesReview[], chance: number) => folded(answers, { chance }).dueAt;

  it('is within the recheck time, spread over it the first time and over its last fifth later', () => {
    expect([dueAfter([allowed], 0), dueAfter([allowed], 1)]).toEqual([60_000, 300_000]);
    expect([dueAfter([allowed, allowed], 0), dueAfter([allowed, allowed], 1)]).toEqual([240_000, 300_000]);
  });

  it('is soon after a denial, and later each time, up to the recheck time', () => {
    const denials = (count: number) => Array.from({ length: count }, () => refused);
    const times = [1, 2, 3, 6, 40].map((count) => dueAfter(denials(count), 1));
    expect(times).toEqual([10_000, 20_000, 40_000, 300_000, 300_000]);
    expect(dueAfter([allowed, refused, refused], 1)).toBe(10_000);
    expect(dueAfter(denials(1), 0)).toBe(8_000);
  });

  it('is a second after a question without an answer, and later each time, up to a minute', () => {
    const failures = (count: number) => Array.from({ length: count }, () => unanswered);
    expect([1, 2, 7, 99].map((count) => dueAfter(failures(count), 1))).toEqual([
      1_000, 2_000, 60_000, 60_000,
    ]);
    expect(dueAfter([...failures(9), refused, unanswered], 1)).toBe(1_000);
    expect(dueAfter([...failures(9), allowed, unanswered], 1)).toBe(1_000);
    expect(dueAfter([allowed, ...failures(9), refused, unanswered], 1)).toBe(1_000);
  });

  it('is never later than a recheck time that is shorter than all of these', () => {
    const at = (answers: readonly NamesReview[]) =>
      answers.reduce(
        (state, result) => foldReview(state, result, { now: 0, chance: 1, recheckMs: 3_000, soonPairs: 0 }),
        unreviewed,
      ).dueAt;
    expect([
      at([allowed, refused]),
      at([refused]),
      at(Array.from({ length: 9 }, () => unanswered)),
      at([allowed]),
    ]).toEqual([3_000, 3_000, 3_000, 3_000]);
  });
});

describe('a pair that a new pod waits for', () => {
  const asked = (before: PairState, answers: readonly NamesReview[], soonPairs = 1) =>
    answers.reduce(
      (state, result) => foldReview(state, result, { now: 0, chance: 1, recheckMs, soonPairs }),
      before,
    );
  const refusals = (count: number) => Array.from({ length: count }, () => refused);

  it('is asked again every 10 s for 5 minutes at least, and then later each time', () => {
    const times = [1, 2, 39, 40, 41, 42, 43].map(
      (count) => asked(awaited(unreviewed), refusals(count)).dueAt,
    );
    expect(times).toEqual([10_000, 10_000, 10_000, 10_000, 20_000, 40_000, 80_000]);
  });

  it('is asked no later than 10 s after the last answer, however old it is, and not sooner', () => {
    const old = asked(unreviewed, refusals(20));
    expect([old.dueAt, awaited(old).dueAt]).toEqual([300_000, 10_000]);
    const failed = asked(
      unreviewed,
      Array.from({ length: 20 }, () => unanswered),
    );
    expect([failed.dueAt, awaited(failed).dueAt]).toEqual([60_000, 10_000]);
    expect(asked(awaited(failed), [unanswered]).dueAt).toBe(10_000);
  });

  it('is asked as ever once it is allowed', () => {
    const granted = asked(awaited(unreviewed), [allowed]);
    expect(granted.dueAt).toBe(300_000);
    expect(asked(granted, refusals(4)).dueAt).toBe(40_000);
  });

  it('is asked less often with many others of its namespace, at least once in the recheck time', () => {
    const times = [100, 500, 1_000, 9_000].map((count) => asked(awaited(unreviewed), [refused], count).dueAt);
    expect(times).toEqual([10_000, 30_000, 60_000, 300_000]);
  });
});

test('the level that was granted last is kept, whatever comes after', () => {
  const wide: NamesReview = { kind: 'allowed', level: 2 };
  expect(folded([wide, refused, unanswered]).level).toBe(2);
  expect(folded([wide, refused, refused]).level).toBe(2);
  expect(folded([wide, allowed]).level).toBe(0);
});
