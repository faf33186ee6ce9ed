// The input of the process that runs the tests (Plan), and its output (Note, one JSON object a line).

export interface Plan {
  readonly notes: string;
  /** Ids of the mutants that are switched on one after the other, each for every test that reaches it. */
  readonly mutants: readonly string[];
  /** The only mutant, switched on before anything is imported: for what runs at the import and not again. */
  readonly fresh: string | undefined;
  /** Tests to skip. */
  readonly finished: readonly string[];
  /** Pairs `test mutant` that an earlier process has tried. */
  readonly tried: readonly string[];
  /** A test that takes longer is left for the second round, when fewer mutants live. */
  readonly untilMs: number;
  /** The known durations of tests without a mutant. */
  readonly usualMs: Readonly<Record<string, number>>;
}

/** An assertion or an error; the loop guard; a time limit, which a busy machine can exceed as well. */
export type Cause = 'failure' | 'loop' | 'time';

export type Note =
  | { readonly kind: 'process'; readonly pid: number }
  /** Reached outside of tests, by an import or by a hook for many tests. */
  | { readonly kind: 'imported'; readonly mutants: readonly string[] }
  | { readonly kind: 'begun'; readonly test: string }
  | { readonly kind: 'useless'; readonly test: string; readonly why: string }
  | {
      readonly kind: 'reaches';
      readonly test: string;
      readonly ms: number;
      readonly mutants: readonly string[];
    }
  | { readonly kind: 'try'; readonly test: string; readonly mutant: string }
  | { readonly kind: 'killed'; readonly mutant: string; readonly cause: Cause; readonly test: string }
  | { readonly kind: 'finished'; readonly test: string; readonly isSlow: boolean }
  /** A mutant left damage behind: the rest needs another process, and so does the pair named here. */
  | { readonly kind: 'again'; readonly test: string; readonly mutant: string | undefined }
  | { readonly kind: 'end' };

export function parseNotes(text: string): readonly Note[] {
  // The last line may be incomplete if the process was killed; empty lines are heartbeats.
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Note);
}
