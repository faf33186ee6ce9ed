import type { FlagSpec } from '@pod-identity/kit/core';

/** Compared with the original's NMI. `changed`: in the way that `why` states. `dropped`: accepted, without effect. */
export type FlagFate = 'kept' | 'changed' | 'dropped' | 'new';

export interface NmiFlag {
  readonly spec: FlagSpec;
  readonly fate: FlagFate;
  /** For everything but `kept`. */
  readonly why: string;
}

type Explained = FlagSpec & Pick<NmiFlag, 'why'>;

export const kept = (spec: FlagSpec): NmiFlag => ({ spec, fate: 'kept', why: '' });
export const changed = ({ why, ...spec }: Explained): NmiFlag => ({ spec, fate: 'changed', why });
export const dropped = (spec: Omit<FlagSpec, 'help'>, why: string): NmiFlag => ({
  spec: { ...spec, help: `No effect: ${why}.` },
  fate: 'dropped',
  why,
});
export const added = ({ why, ...spec }: Explained): NmiFlag => ({ spec, fate: 'new', why });

export const port = { kind: 'integer', min: 0, max: 65_535 } as const;
export const atLeast0 = { kind: 'integer', min: 0 } as const;
