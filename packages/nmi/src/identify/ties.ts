import type { Neighbour } from './neighbour.ts';

/** What the kernel said of each address when the pod that has it was confirmed last. */
export interface Ties {
  of(address: string, uid: string): Neighbour | undefined;
  set(address: string, uid: string, neighbour: Neighbour | undefined): void;
}

/** Far more than a node has addresses. */
const addressesKept = 4_096;

export function createTies(): Ties {
  const ties = new Map<string, { readonly uid: string; readonly neighbour: Neighbour | undefined }>();
  return {
    of(address, uid) {
      const tie = ties.get(address);
      return tie?.uid === uid ? tie.neighbour : undefined;
    },
    set: (address, uid, neighbour) => keepSome(ties, address, { uid, neighbour }),
  };
}

/** The oldest goes when there are too many. */
export function keepSome<V>(entries: Map<string, V>, address: string, value: V): void {
  const oldest =
    entries.size < addressesKept || entries.has(address) ? undefined : entries.keys().next().value;
  if (oldest !== undefined) entries.delete(oldest);
  entries.set(address, value);
}
