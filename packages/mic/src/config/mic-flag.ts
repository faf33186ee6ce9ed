import type { FlagSpec } from '@pod-identity/kit/core';

/** `kept`: name, meaning and default of the original; `changed`: only its name; `dropped`: accepted without effect. */
type FlagFate = 'kept' | 'changed' | 'dropped' | 'new';

/** A flag and its relation to the original. */
export interface MicFlag extends FlagSpec {
  readonly fate: FlagFate;
  /** The difference to the original, or why it was dropped. */
  readonly note?: string;
}
