import { createShareMap, type Clock, type Keyed, type Timer } from '@pod-identity/kit/core';
import type { TokenError } from '../errors.ts';
import type { SecretReference } from './secret-reader.ts';

/** What the last read of a Secret found. */
export interface SeenSecret {
  readonly reference: SecretReference;
  readonly requestedAt: number;
  /** Undefined if there is none, or NMI may not read it. */
  readonly version?: string;
  readonly error?: TokenError;
}

export interface SecretVersions {
  get(reference: SecretReference): SeenSecret | undefined;
  note(seen: SeenSecret): void;
}

interface Kept extends SeenSecret, Keyed {
  readonly end: Timer;
}

/** As many as there are tokens. */
const limits = { perNamespace: 500, total: 2_000 };
/** Each use of a Secret, or of a token that was requested with it, looks at its version. One that is not used is not kept. */
const unusedMs = 60 * 60_000;

/**
 * Remembers the versions of Secrets that are in use: tokens and proofs end with the version of their Secret. `onEnded` is called when a Secret
 * has no longer the version that was seen before, or when that one is not remembered any more.
 */
export function createSecretVersions(
  clock: Pick<Clock, 'after'>,
  onEnded: (reference: SecretReference) => void,
): SecretVersions {
  const seen = createShareMap<Kept>(limits);

  const end = (kept: Kept) => {
    kept.end.cancel();
    seen.delete(kept.key);
    if (kept.version !== undefined) onEnded(kept.reference);
  };

  return {
    get: (reference) => seen.get(nameOf(reference)),
    note(now) {
      const { reference } = now;
      const [key, { namespace }] = [nameOf(reference), reference];
      const before = seen.get(key);
      before?.end.cancel();
      const kept: Kept = { ...now, key, namespace, weight: 1, end: clock.after(unusedMs, () => end(kept)) };
      seen.set(kept).forEach(end);
      if (before?.version !== undefined && before.version !== now.version) onEnded(reference);
    },
  };
}

export function nameOf({ namespace, name }: SecretReference): string {
  return `${namespace}/${name}`;
}
