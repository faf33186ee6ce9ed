// What is made of the mutants of a room: its score, and those that live.

export interface Mutant {
  /** From the root of the repository. */
  readonly file: string;
  readonly line: number;
  /** The text that was replaced, and what stood in its place. */
  readonly original: string;
  readonly replacement: string;
  readonly status: string;
}

/** A mutant that no test can kill, since the program behaves the same with it. */
export interface Equivalent {
  readonly file: string;
  readonly original: string;
  readonly replacement: string;
  readonly reason: string;
}

export interface Verdict {
  /** Killed among those that tests could kill, in percent. */
  readonly score: number;
  readonly killed: number;
  /** Of the killed: those that only ran too long, which a busy machine can cause as well. */
  readonly timedOut: number;
  /** Neither killed nor listed as equivalent. */
  readonly living: readonly Mutant[];
  readonly equivalent: number;
}

const killed = new Set(['Killed', 'Timeout']);
const living = new Set(['Survived', 'NoCoverage']);

export function judge(mutants: readonly Mutant[], known: readonly Equivalent[]): Verdict {
  const alive = mutants.filter(({ status }) => living.has(status));
  const unlisted = alive.filter((mutant) => !known.some((one) => isSame(one, mutant)));
  const dead = mutants.filter(({ status }) => killed.has(status)).length;
  const possible = dead + unlisted.length;
  return {
    score: possible === 0 ? 100 : (100 * dead) / possible,
    killed: dead,
    timedOut: mutants.filter(({ status }) => status === 'Timeout').length,
    living: unlisted,
    equivalent: alive.length - unlisted.length,
  };
}

const isSame = (one: Equivalent, mutant: Mutant): boolean =>
  one.file === mutant.file && one.original === mutant.original && one.replacement === mutant.replacement;
