import { createShareMap, heapBytes, type Keyed, type ShareLimits } from '@pod-identity/kit/core';

/** What failed, and the namespace that requested it. */
export interface Failed {
  readonly namespace: string;
  readonly name: string;
}

interface Kept<T> extends Keyed {
  readonly known: T;
}

/** A name can hold a text of a caller with 2,048 characters. */
const bytesOfEntry = 2_048;

/**
 * What is known of failures, in a limited number of places of 2 KiB: those of one namespace say nothing about the requests of another. A
 * namespace that has too many loses its oldest.
 */
export function createFailures<T extends object>(limits: ShareLimits) {
  const all = createShareMap<Kept<T>>(limits);
  return {
    get: (failed: Failed): T | undefined => all.get(keyOf(failed))?.known,
    set(failed: Failed, known: T): void {
      const { namespace, name } = failed;
      const weight = Math.ceil(heapBytes({ name, known }) / bytesOfEntry);
      all.set({ namespace, key: keyOf(failed), weight, known });
    },
    delete: (failed: Failed) => all.delete(keyOf(failed)),
  };
}

/** A namespace contains no slash. */
function keyOf({ namespace, name }: Failed): string {
  return `${namespace}/${name}`;
}
