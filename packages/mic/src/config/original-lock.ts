import type { FlagProblem, FlagReading } from '@pod-identity/kit/core';

export interface LockName {
  readonly namespace: string;
  readonly name: string;
}

/** Undefined: not read. */
export function readOriginalLock(flags: FlagReading): { readonly originalLock?: LockName } {
  const [namespace = '', name = ''] = flags.string('original-lock').split('/');
  return namespace === '' ? {} : { originalLock: { namespace, name } };
}

export function originalLockProblems(flags: FlagReading): readonly FlagProblem[] {
  const given = flags.string('original-lock');
  if (given === '' || /^[a-z0-9-]+\/[a-z0-9.-]+$/.test(given)) return [];
  return [
    { name: 'original-lock', message: `--original-lock must be NAMESPACE/NAME or empty, not ${given}` },
  ];
}
