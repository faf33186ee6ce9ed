// The results of a room's mutants while its test files run one after the other.
import type { Cause, Note } from './notes.ts';

export interface Ledger {
  /** By the id of the mutant. */
  readonly killed: Map<string, { readonly cause: Cause; readonly test: string }>;
  /** Mutants reached, by test file: outside of its tests, and by anything in it. */
  readonly imported: Map<string, Set<string>>;
  readonly reached: Map<string, Set<string>>;
  readonly usualMs: Map<string, number>;
  readonly finished: Set<string>;
  /** Tests of the second round, with the mutants that they reach. */
  readonly slow: Map<string, { readonly file: string; readonly mutants: readonly string[] }>;
  /** Pairs `test mutant`. */
  readonly tried: Set<string>;
  /** Tests that fail without a mutant. */
  readonly useless: Map<string, string>;
}

export function createLedger(): Ledger {
  return {
    killed: new Map(),
    imported: new Map(),
    reached: new Map(),
    usualMs: new Map(),
    finished: new Set(),
    slow: new Map(),
    tried: new Set(),
    useless: new Map(),
  };
}

/** Enters the notes of one process about a test file. Returns whether the file needs another process. */
export function enter(ledger: Ledger, file: string, notes: readonly Note[]): boolean {
  for (const note of notes) enterOne(ledger, file, note);
  const last = notes.findLast(({ kind }) => kind !== 'imported');
  if (last?.kind === 'end') return false;
  if (last?.kind === 'again') return true;
  return enterEnding(ledger, file, notes);
}

/** The process ended before its last test. */
function enterEnding(ledger: Ledger, file: string, notes: readonly Note[]): boolean {
  const last = notes.findLast(({ kind }) => kind === 'try' || kind === 'begun' || kind === 'finished');
  if (last?.kind === 'try' && !ledger.killed.has(last.mutant)) {
    ledger.killed.set(last.mutant, { cause: 'time', test: last.test });
    return true;
  }
  if (last?.kind === 'begun') {
    ledger.useless.set(last.test, 'its process ended');
    ledger.finished.add(last.test);
    return true;
  }
  ledger.useless.set(file, 'its process ended');
  return false;
}

function enterOne(ledger: Ledger, file: string, note: Note): void {
  if (note.kind === 'imported') {
    addAll(ledger.imported, file, note.mutants);
    addAll(ledger.reached, file, note.mutants);
  } else if (note.kind === 'reaches') {
    addAll(ledger.reached, file, note.mutants);
    ledger.usualMs.set(note.test, note.ms);
    ledger.slow.set(note.test, { file, mutants: note.mutants });
  } else enterTest(ledger, note);
}

function enterTest(ledger: Ledger, note: Note): void {
  if (note.kind === 'try') ledger.tried.add(`${note.test} ${note.mutant}`);
  if (note.kind === 'killed') ledger.killed.set(note.mutant, note);
  if (note.kind === 'again' && note.mutant !== undefined) ledger.tried.delete(`${note.test} ${note.mutant}`);
  if (note.kind === 'useless') ledger.useless.set(note.test, note.why);
  if (note.kind !== 'finished' && note.kind !== 'useless') return;
  ledger.finished.add(note.test);
  if (note.kind === 'useless' || !note.isSlow) ledger.slow.delete(note.test);
}

function addAll(sets: Map<string, Set<string>>, key: string, values: readonly string[]): void {
  const set = sets.get(key) ?? new Set();
  for (const value of values) set.add(value);
  sets.set(key, set);
}
