import { RecentMap, type Clock } from '@pod-identity/kit/core';
import { createFlights } from '../flights.ts';
import { TokenError, type TokenErrorCode } from '../errors.ts';
import type { ReadSecret, ReadSecretNow, SecretReference } from './secret-door.ts';

export interface SecretMemory {
  /** As it is now, or was a moment ago. While the API server is away, as it was when it was last there. */
  current(reference: SecretReference): Promise<ReadSecret>;
  /** Looks whether a remembered Secret has changed, unless that was done a moment ago. Nobody waits for it. */
  check(reference: SecretReference): void;
  prune(keep: (reference: SecretReference) => boolean): void;
}

export interface SecretMemoryOptions {
  readonly read: ReadSecretNow;
  readonly clock: Clock;
  /** Told when a Secret that was read before has changed, is gone or may not be read any more. */
  readonly onChanged: (reference: SecretReference) => void;
}

interface Known {
  readonly reference: SecretReference;
  readonly secret: ReadSecret;
  readonly askedAt: number;
}

interface Failed {
  readonly error: TokenError;
  readonly at: number;
}

/** Nothing is read more often than this for one Secret; and that long a change of it goes unnoticed. */
const readAgainMs = 30_000;
/** A Secret that is missing may be made any moment. */
const failureMs = 5_000;
const failuresKept = 500;

/** Secrets in memory while they are in use. There is no watch: NMI has no right to list Secrets. */
export function createSecretMemory(options: SecretMemoryOptions): SecretMemory {
  const { clock } = options;
  const stores: Stores = { known: new Map(), failed: new RecentMap(failuresKept) };
  const { known, failed } = stores;
  const flights = createFlights<ReadSecret>();

  const readNow = (reference: SecretReference) =>
    flights.join(nameOf(reference), () => readInto(stores, reference, options));
  const recent = (name: string): ReadSecret | undefined => {
    const here = known.get(name);
    return here && clock.now() - here.askedAt < readAgainMs ? here.secret : undefined;
  };

  return {
    async current(reference) {
      const name = nameOf(reference);
      const failure = failed.get(name);
      if (failure && clock.now() - failure.at < failureMs) throw failure.error;
      return recent(name) ?? readNow(reference);
    },
    check(reference) {
      const name = nameOf(reference);
      if (known.has(name) && !recent(name)) readNow(reference).catch(() => undefined);
    },
    prune(keep) {
      for (const [name, { reference }] of known) if (!keep(reference)) known.delete(name);
    },
  };
}

interface Stores {
  readonly known: Map<string, Known>;
  readonly failed: Map<string, Failed>;
}

async function readInto(
  stores: Stores,
  reference: SecretReference,
  options: SecretMemoryOptions,
): Promise<ReadSecret> {
  const { known } = stores;
  const name = nameOf(reference);
  const before = known.get(name);
  const askedAt = options.clock.now();
  const isOther = () => before !== undefined && known.get(name)?.secret !== before.secret;
  try {
    const read = await options.read(reference);
    // The value stays the same one as long as its version does: what was made of it is remembered by it.
    const secret = before?.secret.version === read.version ? before.secret : read;
    known.set(name, { reference, secret, askedAt });
    stores.failed.delete(name);
    return secret;
  } catch (error) {
    if (isCode(error, 'misconfigured')) forget(stores, { name, error, at: askedAt });
    if (!before || !isCode(error, 'unavailable')) throw error;
    known.set(name, { ...before, askedAt });
    return before.secret;
  } finally {
    if (isOther()) options.onChanged(reference);
  }
}

function forget({ known, failed }: Stores, { name, ...failure }: Failed & { readonly name: string }): void {
  known.delete(name);
  failed.set(name, failure);
}

function isCode(error: unknown, code: TokenErrorCode): error is TokenError {
  return error instanceof TokenError && error.code === code;
}

function nameOf({ namespace, name }: SecretReference): string {
  return `${namespace}/${name}`;
}
