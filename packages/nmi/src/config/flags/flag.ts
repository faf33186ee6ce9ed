import type { FlagSpec } from '@pod-identity/kit/core';

/** `kept`: as the original's NMI has it. `changed`: means something else in a stated way. `dropped`: taken, without effect. */
export type FlagFate = 'kept' | 'changed' | 'dropped' | 'new';

export interface NmiFlag {
  readonly spec: FlagSpec;
  readonly fate: FlagFate;
  /** For everything but `kept`. */
  readonly why: string;
}

export const kept = (spec: FlagSpec): NmiFlag => ({ spec, fate: 'kept', why: '' });
export const changed = (spec: FlagSpec, why: string): NmiFlag => ({ spec, fate: 'changed', why });
export const dropped = (spec: Omit<FlagSpec, 'help'>, why: string): NmiFlag => ({
  spec: { ...spec, help: `No effect: ${why}.` },
  fate: 'dropped',
  why,
});
export const added = (spec: FlagSpec, why: string): NmiFlag => ({ spec, fate: 'new', why });

export const port = { kind: 'integer', min: 0, max: 65_535 } as const;
export const atLeast0 = { kind: 'integer', min: 0 } as const;
