import type { FlagSpec } from '@pod-identity/kit/core';

/** What became of a flag of the original: its name, meaning and default; or only the name; or nothing but patience. */
type FlagFate = 'kept' | 'changed' | 'dropped' | 'new';

/** A flag and its history, the one list that parsing, --help and the documentation are made from. */
export interface MicFlag extends FlagSpec {
  readonly fate: FlagFate;
  /** What is different from the original, or why it is gone. */
  readonly note?: string;
}
