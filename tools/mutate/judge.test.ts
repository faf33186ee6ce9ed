import { describe, expect, test } from 'vitest';
import { findListed, judge, type Outcome, type Site } from './judge.ts';
import { createLedger, enter } from './ledger.ts';
import { parseNotes, type Note } from './notes.ts';

const site = (over: Partial<Site>): Site => ({
  id: '0',
  file: 'a.ts',
  line: 1,
  inLine: 'if (a < b) return;',
  original: 'a < b',
  replacement: 'a <= b',
  ...over,
});

describe('the score of a room', () => {
  const verdictOn = (outcomes: readonly Outcome[], listed: readonly string[] = []) =>
    judge(
      outcomes.map((_, i) => site({ id: `${i}` })),
      new Map(outcomes.map((outcome, i) => [`${i}`, outcome])),
      new Set(listed),
    );

  test('counts all mutants that tests killed, and separately those without loops and time limits', () => {
    const verdict = verdictOn(['failure', 'loop', 'time', 'lives', 'unreached']);
    expect(verdict).toMatchObject({ score: 60, strictScore: 20, mutants: 5, looped: 1, late: 1 });
    expect(verdict.living.map(({ outcome }) => outcome)).toEqual(['lives', 'unreached']);
  });

  test('leaves out mutants that are listed as equivalent, and names listed ones that a test kills', () => {
    const verdict = verdictOn(['failure', 'lives', 'lives', 'failure'], ['1', '3']);
    expect(verdict).toMatchObject({ score: (100 * 2) / 3, equivalent: 1 });
    expect(verdict.living.map(({ id }) => id)).toEqual(['2']);
    expect(verdict.refuted.map(({ id }) => id)).toEqual(['3']);
  });

  test('counts a mutant that was not measured as one that no test reaches', () => {
    expect(judge([site({})], new Map(), new Set()).living).toMatchObject([{ outcome: 'unreached' }]);
  });

  test('of a room without mutants is 100', () => {
    expect(verdictOn([])).toMatchObject({ score: 100, strictScore: 100 });
  });
});

describe('the list of equivalent mutants', () => {
  const entry = {
    file: 'a.ts',
    inLine: 'if (a < b) return;',
    original: 'a < b',
    replacement: 'a <= b',
    reason: '',
  };

  test('identifies a mutant by its whole line, also after the line has moved', () => {
    const sites = [
      site({ id: 'other line', inLine: 'while (a < b) {' }),
      site({ id: 'other file', file: 'b.ts' }),
      site({ id: 'other change', replacement: 'a >= b' }),
      site({ id: 'meant', line: 99 }),
      site({ id: 'again', line: 120 }),
    ];
    expect(findListed(sites, [entry])).toEqual({ ids: new Set(['meant']), stale: [] });
    expect(findListed(sites, [{ ...entry, nth: 2 }])).toEqual({ ids: new Set(['again']), stale: [] });
  });

  test('reports an entry without a mutant, in the files that are measured', () => {
    const gone = { ...entry, nth: 2 };
    const elsewhere = { ...entry, file: 'elsewhere.ts' };
    expect(findListed([site({})], [gone, elsewhere])).toEqual({ ids: new Set(), stale: [gone] });
  });

  test('reports the second of two equal entries', () => {
    expect(findListed([site({})], [entry, entry]).stale).toEqual([entry]);
  });
});

describe('the notes of the processes with the tests', () => {
  const begun: Note = { kind: 'begun', test: 't' };
  const tries: Note = { kind: 'try', test: 't', mutant: '7' };

  test('are read up to an incomplete line; empty lines are heartbeats', () => {
    expect(parseNotes('{"kind":"end"}\n\n\n{"kind":"be')).toEqual([{ kind: 'end' }]);
  });

  test('a process that ends during a mutant was killed by it; the other mutants run in another process', () => {
    const ledger = createLedger();
    expect(enter(ledger, 'f', [begun, tries])).toBe(true);
    expect(ledger.killed.get('7')).toEqual({ cause: 'time', test: 't' });
  });

  test('a test during which the process ends without a mutant is left out', () => {
    const ledger = createLedger();
    expect(enter(ledger, 'f', [begun])).toBe(true);
    expect([...ledger.useless.keys()]).toEqual(['t']);
    expect(ledger.killed.size).toBe(0);
  });

  test('a file whose process ends before any test is left out', () => {
    const ledger = createLedger();
    expect(enter(ledger, 'f', [])).toBe(false);
    expect([...ledger.useless.keys()]).toEqual(['f']);
  });

  test('a mutant that ran after another one had left damage runs again in another process', () => {
    const ledger = createLedger();
    expect(enter(ledger, 'f', [begun, tries, { kind: 'again', test: 't', mutant: '7' }])).toBe(true);
    expect(ledger.tried.size).toBe(0);
    expect(ledger.killed.size).toBe(0);
  });

  test('a file whose tests all finished needs no other process; its slow tests are kept for the second round', () => {
    const ledger = createLedger();
    const notes: Note[] = [
      { kind: 'imported', mutants: ['1'] },
      { kind: 'reaches', test: 'slow', ms: 900, mutants: ['2'] },
      { kind: 'finished', test: 'slow', isSlow: true },
      { kind: 'reaches', test: 'quick', ms: 1, mutants: ['3'] },
      { kind: 'finished', test: 'quick', isSlow: false },
      { kind: 'end' },
    ];
    expect(enter(ledger, 'f', notes)).toBe(false);
    expect([...ledger.slow]).toEqual([['slow', { file: 'f', mutants: ['2'] }]]);
    expect(ledger.reached.get('f')).toEqual(new Set(['1', '2', '3']));
  });
});
