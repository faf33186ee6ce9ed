import type { Found } from '../judge/causes.ts';

export interface Check {
  /** What is right if it finds nothing, in a few words. Undefined: it was not looked at. */
  readonly holds: string | undefined;
  readonly found: readonly Found[];
  /** What may not be read, in words. */
  readonly unknown: readonly string[];
}
