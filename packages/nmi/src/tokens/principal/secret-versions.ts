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
  forget(reference: SecretReference): void;
}

export interface SecretVersionsOptions {
  /** Called when a Secret has no longer the version that was seen before, or when that one is not remembered any more. */
  readonly onEnded: (reference: SecretReference) => void;
  /** Whether what was read may be kept; default: yes. It may be of no use any more when it comes. */
  readonly mayKeep?: ((reference: SecretReference) => boolean) | undefined;
}

type Kept = SeenSecret & Shared;

/** As many as there are tokens. */
const limits = { perNamespace: 500, total: 2_000 };

/** Remembers the versions of Secrets that are in use, much longer than what they contain: tokens end with the version of their Secret. */
export function createSecretVersions({
  onEnded,
  mayKeep = () => true,
}: SecretVersionsOptions): SecretVersions {
  const seen = new Map<string, Kept>();
  const shares = createShares<Kept>(limits);

  const remove = (kept: Kept) => {
    seen.delete(nameOf(kept.reference));
    shares.remove(kept);
  };

  return {
    get: (reference) => seen.get(nameOf(reference)),
    note(now) {
      const { reference } = now;
      if (!mayKeep(reference)) return;
      const before = seen.get(nameOf(reference));
      if (before) remove(before);
      const kept: Kept = { ...now, namespace: reference.namespace, weight: 1 };
      seen.set(nameOf(reference), kept);
      for (const out of shares.add(kept)) {
        remove(out);
        if (out.version !== undefined) onEnded(out.reference);
      }
      if (before?.version !== undefined && before.version !== now.version) onEnded(reference);
    },
    forget(reference) {
      const kept = seen.get(nameOf(reference));
      if (kept) remove(kept);
    },
  };
}

export function nameOf({ namespace, name }: SecretReference): string {
  return `${namespace}/${name}`;
}
