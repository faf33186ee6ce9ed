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
  /** Of all namespaces. */
  deleteAll(name: string): void;
}

interface Kept<T> extends Shared, Failed {
  readonly known: T;
}

/** A name can hold a text of a caller with 2,048 characters. */
const bytesOfPlace = 2_048;

/** Keeps failures in a limited number of places of 2 KiB. A namespace that has too many loses its oldest. */
export function createFailures<T extends object>(limits: ShareLimits): Failures<T> {
  const names = new Map<string, Map<string, Kept<T>>>();
  const shares = createShares<Kept<T>>(limits);

  const remove = (kept: Kept<T>) => {
    shares.remove(kept);
    const namespaces = names.get(kept.name);
    namespaces?.delete(kept.namespace);
    if (namespaces?.size === 0) names.delete(kept.name);
  };
  const find = ({ namespace, name }: Failed) => names.get(name)?.get(namespace);
  const forget = (failed: Failed) => {
    const kept = find(failed);
    if (kept) remove(kept);
  };

  return {
    get: (failed) => find(failed)?.known,
    set({ namespace, name }, known) {
      forget({ namespace, name });
      const weight = Math.ceil(heapBytes({ name, known }) / bytesOfPlace);
      const kept: Kept<T> = { namespace, name, weight, known };
      names.set(name, (names.get(name) ?? new Map<string, Kept<T>>()).set(namespace, kept));
      for (const out of shares.add(kept)) remove(out);
    },
    delete: forget,
    deleteAll(name) {
      for (const kept of names.get(name)?.values() ?? []) remove(kept);
    },
  };
}
