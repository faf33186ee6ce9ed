import { heapBytes } from '@pod-identity/kit/core';
import { createShares, type Shared, type ShareLimits } from './shares.ts';

/** What failed, and the namespace that requested it. */
export interface Failed {
  readonly namespace: string;
  readonly name: string;
}

/** What is known of failures: those of one namespace say nothing about the requests of another. */
export interface Failures<T extends object> {
  get(failed: Failed): T | undefined;
  set(failed: Failed, known: T): void;
  delete(failed: Failed): void;
}

interface Kept<T> extends Shared {
  readonly key: string;
  readonly known: T;
}

/** A name can hold a text of a caller with 2,048 characters. */
const bytesOfPlace = 2_048;

/** Keeps failures in a limited number of places of 2 KiB. A namespace that has too many loses its oldest. */
export function createFailures<T extends object>(limits: ShareLimits): Failures<T> {
  const all = new Map<string, Kept<T>>();
  const shares = createShares<Kept<T>>(limits);

  const remove = (kept: Kept<T> | undefined) => {
    if (!kept) return;
    shares.remove(kept);
    all.delete(kept.key);
  };

  return {
    get: (failed) => all.get(keyOf(failed))?.known,
    set(failed, known) {
      const key = keyOf(failed);
      remove(all.get(key));
      const { namespace, name } = failed;
      const weight = Math.ceil(heapBytes({ name, known }) / bytesOfPlace);
      const kept: Kept<T> = { namespace, key, weight, known };
      all.set(key, kept);
      for (const out of shares.add(kept)) remove(out);
    },
    delete: (failed) => remove(all.get(keyOf(failed))),
  };
}

/** A namespace contains no slash. */
function keyOf({ namespace, name }: Failed): string {
  return `${namespace}/${name}`;
}
