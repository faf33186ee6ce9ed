import { describe, expect, test } from 'vitest';
import { judge, type Mutant } from './judge.ts';

const mutant = (over: Partial<Mutant>): Mutant => ({
  ...{ file: 'a.ts', line: 1, original: 'a < b', replacement: 'a <= b', status: 'Killed' },
  ...over,
});
const known = [{ file: 'a.ts', original: 'a < b', replacement: 'a <= b', reason: 'a is never b' }];

describe('the score of a room', () => {
  test('counts what tests killed, by failing or by running too long, and what they did not reach as living', () => {
    const verdict = judge(
      ['Killed', 'Timeout', 'Survived', 'NoCoverage', 'CompileError'].map((status) => mutant({ status })),
      [],
    );
    expect(verdict).toMatchObject({ score: 50, killed: 2, timedOut: 1, equivalent: 0 });
    expect(verdict.living.map(({ status }) => status)).toEqual(['Survived', 'NoCoverage']);
  });

  test('leaves out what is listed as equivalent, in this file and with this text alone', () => {
    const other = mutant({ status: 'Survived', file: 'b.ts' });
    const verdict = judge([mutant({}), mutant({ status: 'Survived' }), other], known);
    expect(verdict).toEqual({ score: 50, killed: 1, timedOut: 0, equivalent: 1, living: [other] });
  });

  test('of a room without mutants is 100', () => {
    expect(judge([], known).score).toBe(100);
  });
});
