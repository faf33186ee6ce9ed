import type { Clock, Timer } from '@pod-identity/kit/core';
import type { TokenError } from '../errors.ts';
import { createShares, type Shared } from '../shares.ts';
import type { SecretReference } from './secret-reader.ts';

/** What the last read of a Secret found. */
export interface SeenSecret {
  readonly reference: SecretReference;
  readonly askedAt: number;
  /** Undefined if there is none, or NMI may not read it. */
  readonly version?: string;
  readonly error?: TokenError;
}

export interface SecretVersions {
  get(reference: SecretReference): SeenSecret | undefined;
  note(seen: SeenSecret): void;
}

export interface SecretVersionsOptions {
  /** Called when a Secret has no longer the version that was seen before, or when that one is not remembered any more. */
  readonly onEnded: (reference: SecretReference) => void;
  readonly clock: Pick<Clock, 'after'>;
}

interface Kept extends SeenSecret, Shared {
  readonly end: Timer;
}

/** As many as there are tokens. */
const limits = { perNamespace: 500, total: 2_000 };
/** Each use of a Secret, or of a token that was requested with it, looks at its version. One that is not used is not kept. */
const unusedMs = 60 * 60_000;

/** Remembers the versions of Secrets that are in use: tokens and proofs end with the version of their Secret. */
export function createSecretVersions({ onEnded, clock }: SecretVersionsOptions): SecretVersions {
  const seen = new Map<string, Kept>();
  const shares = createShares<Kept>(limits);

  const remove = (kept: Kept) => {
    kept.end.cancel();
    seen.delete(nameOf(kept.reference));
    shares.remove(kept);
  };
  const end = (kept: Kept) => {
    remove(kept);
    if (kept.version !== undefined) onEnded(kept.reference);
  };

  return {
    get: (reference) => seen.get(nameOf(reference)),
    note(now) {
      const { reference } = now;
      const before = seen.get(nameOf(reference));
      if (before) remove(before);
      const { namespace } = reference;
      const kept: Kept = { ...now, namespace, weight: 1, end: clock.after(unusedMs, () => end(kept)) };
      seen.set(nameOf(reference), kept);
      shares.add(kept).forEach(end);
      if (before?.version !== undefined && before.version !== now.version) onEnded(reference);
    },
  };
}

export function nameOf({ namespace, name }: SecretReference): string {
  return `${namespace}/${name}`;
}
