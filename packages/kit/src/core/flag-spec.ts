export type FlagKind = 'string' | 'boolean' | 'integer' | 'number' | 'duration' | 'list';

/** One setting of a program: a flag, perhaps with an environment variable that stands in when it is not given. */
export interface FlagSpec {
  readonly name: string;
  readonly kind: FlagKind;
  /** In the kind's own type; a duration is in milliseconds. */
  readonly default: string | number | boolean | readonly string[] | undefined;
  readonly help: string;
  readonly env?: string;
  readonly aliases?: readonly string[];
  /** Bounds of integers, numbers and durations (milliseconds), both allowed. */
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
  /** Of a boolean: values that it accepts besides, as in `--name=word`. */
  readonly words?: readonly string[];
}

export interface FlagProblem {
  readonly name: string;
  readonly message: string;
}

/** What a command line and an environment say. Asking for a flag of another kind or of no list is a bug: TypeError. */
export interface FlagReading {
  string(name: string): string;
  optionalString(name: string): string | undefined;
  /** False where it is a word. */
  boolean(name: string): boolean;
  /** The word that was given to a boolean that accepts some; undefined where it is true or false. */
  word(name: string): string | undefined;
  integer(name: string): number;
  number(name: string): number;
  durationMs(name: string): number;
  list(name: string): readonly string[];
  /** Names of the flags that the command line or the environment set. */
  readonly given: ReadonlySet<string>;
  readonly positional: readonly string[];
  readonly problems: readonly FlagProblem[];
}
