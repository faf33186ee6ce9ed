import { RecentMap, type Clock } from '@pod-identity/kit/core';
import { TokenError, type TokenErrorCode } from '../errors.ts';
import { createShares } from '../shares.ts';
import type { ReadSecret, SecretReader, SecretReference } from './secret-reader.ts';

export interface SecretMemory {
  /** The current value, or one from the last seconds; the last known one while the API server does not respond. */
  current(reference: SecretReference): Promise<ReadSecret>;
  /** Reads a remembered Secret again in the background, unless that was done recently. */
  check(reference: SecretReference): void;
  forget(reference: SecretReference): void;
  has(reference: SecretReference): boolean;
}

export interface SecretMemoryOptions {
  readonly reader: SecretReader;
  readonly clock: Clock;
  /** Called when a Secret that was read before has changed, was deleted or may not be read any more. */
  readonly onChanged: (reference: SecretReference) => void;
  /** Whether a Secret that was read may be kept; default: yes. */
  readonly mayKeep?: (reference: SecretReference) => boolean;
}

interface Known {
  readonly reference: SecretReference;
  readonly namespace: string;
  readonly secret: ReadSecret;
  readonly askedAt: number;
}

interface Failed {
  readonly error: TokenError;
  readonly at: number;
}

/** Between reads of one Secret: a change of it is noticed this late at most. */
const readAgainMs = 30_000;
/** Shorter, since a missing Secret may be created any moment. */
const failureMs = 5_000;
const failuresKept = 500;
/** An API server allows 1 MiB for each. */
const bytesKept = 4 * 1024 * 1024;

/**
 * Keeps Secrets in memory while they are used. There is no watch: NMI has no right to list Secrets. If they are too large, the one that was
 * read first of the namespace with most bytes is evicted; then `onChanged` is called too, since a change of it would not be noticed.
 */
export function createSecretMemory(options: SecretMemoryOptions): SecretMemory {
  const { clock } = options;
  const stores: Stores = { known: createKnown(options.onChanged), failed: new RecentMap(failuresKept) };
  const { known, failed } = stores;
  const running = new Map<string, Promise<ReadSecret>>();

  /** One read at a time for each Secret; all who want it meanwhile get its result. */
  const readNow = (reference: SecretReference) => {
    const name = nameOf(reference);
    const reading =
      running.get(name) ?? readInto(stores, reference, options).finally(() => running.delete(name));
    running.set(name, reading);
    return reading;
  };
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
      if (known.get(name) && !recent(name)) readNow(reference).catch(() => undefined);
    },
    forget: (reference) => known.delete(nameOf(reference)),
    has: (reference) => known.get(nameOf(reference)) !== undefined,
  };
}

function createKnown(onEvicted: (reference: SecretReference) => void) {
  const all = new Map<string, Known>();
  const shares = createShares<Known>(({ secret }) => bytesOf(secret));
  const remove = (name: string) => {
    const one = all.get(name);
    if (!one) return;
    all.delete(name);
    shares.remove(one);
  };
  return {
    get: (name: string) => all.get(name),
    delete: remove,
    set(name: string, one: Known) {
      remove(name);
      all.set(name, one);
      shares.add(one);
      for (let oldest; shares.size > bytesKept && (oldest = shares.oldestOfLargest());) {
        remove(nameOf(oldest.reference));
        onEvicted(oldest.reference);
      }
    },
  };
}

function bytesOf({ data }: ReadSecret): number {
  let bytes = 0;
  for (const [key, value] of data) bytes += key.length + value.length;
  return bytes;
}

interface Stores {
  readonly known: ReturnType<typeof createKnown>;
  readonly failed: Map<string, Failed>;
}

async function readInto(
  stores: Stores,
  reference: SecretReference,
  options: SecretMemoryOptions,
): Promise<ReadSecret> {
  const { known } = stores;
  const { mayKeep = () => true } = options;
  const name = nameOf(reference);
  const before = known.get(name);
  const askedAt = options.clock.now();
  const keep = (secret: ReadSecret) => {
    if (mayKeep(reference)) known.set(name, { reference, namespace: reference.namespace, secret, askedAt });
  };
  const isOther = () => before !== undefined && known.get(name)?.secret !== before.secret;
  try {
    const read = await options.reader.read(reference);
    // The object stays the same while its version does: proofs are remembered by it.
    const secret = before?.secret.version === read.version ? before.secret : read;
    keep(secret);
    stores.failed.delete(name);
    return secret;
  } catch (error) {
    if (isCode(error, 'misconfigured')) forget(stores, { name, error, at: askedAt });
    if (!before || !isCode(error, 'unavailable')) throw error;
    keep(before.secret);
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
