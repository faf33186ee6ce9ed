import { createShareMap, heapBytes, type Keyed, type ShareLimits } from '@pod-identity/kit/core';

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

interface Kept<T> extends Keyed {
  readonly known: T;
}

/** A name can hold a text of a caller with 2,048 characters. */
const bytesOfEntry = 2_048;

/** Keeps failures in a limited number of places of 2 KiB. A namespace that has too many loses its oldest. */
export function createFailures<T extends object>(limits: ShareLimits): Failures<T> {
  const all = createShareMap<Kept<T>>(limits);
  return {
    get: (failed) => all.get(keyOf(failed))?.known,
    set(failed, known) {
      const { namespace, name } = failed;
      const weight = Math.ceil(heapBytes({ name, known }) / bytesOfEntry);
      all.set({ namespace, key: keyOf(failed), weight, known });
    },
    delete: (failed) => all.delete(keyOf(failed)),
  };
}

/** A namespace contains no slash. */
function keyOf({ namespace, name }: Failed): string {
  return `${namespace}/${name}`;
}
