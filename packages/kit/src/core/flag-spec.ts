export type FlagKind = 'string' | 'boolean' | 'integer' | 'number' | 'duration' | 'list';

/** A flag, optionally with an environment variable that is used if the flag is not given. */
export interface FlagSpec {
  readonly name: string;
  readonly kind: FlagKind;
  /** In the kind's own type; a duration is in milliseconds. */
  readonly default: string | number | boolean | readonly string[] | undefined;
  readonly help: string;
  readonly env?: string;
  readonly aliases?: readonly string[];
  /** Inclusive bounds of integers, numbers and durations (milliseconds). */
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
  /** The text must be empty, or a URL with http or https. */
  readonly isUrl?: true;
  /** Others set the variable too, for programs of other kinds: a value that is wrong here is a warning, and the default counts. */
  readonly isEnvShared?: true;
  /** Further values that a boolean accepts, as in `--name=word`. */
  readonly words?: readonly string[];
}

export interface FlagProblem {
  readonly name: string;
  readonly message: string;
}

/** The parsed command line and environment. Reading an undeclared flag, or one as another kind, throws TypeError. */
export interface FlagReading {
  string(name: string): string;
  optionalString(name: string): string | undefined;
  /** False if it is a word. */
  boolean(name: string): boolean;
  /** The word given to a boolean that accepts words; undefined if it is true or false. */
  word(name: string): string | undefined;
  integer(name: string): number;
  number(name: string): number;
  durationMs(name: string): number;
  list(name: string): readonly string[];
  /** Names of the flags that the command line or the environment set. */
  readonly given: ReadonlySet<string>;
  readonly positional: readonly string[];
  readonly problems: readonly FlagProblem[];
  /** Variables that are not used because of their values. */
  readonly warnings: readonly string[];
}
