import { RecentMap } from '@pod-identity/kit/core';
import type { Neighbour } from './neighbour.ts';

/** The kernel's entry for each address when its pod was last confirmed. */
export interface Ties {
  of(address: string, uid: string): Neighbour | undefined;
  set(address: string, uid: string, neighbour: Neighbour | undefined): void;
}

/** Far more addresses than a node has. */
export const addressesKept = 4_096;

export function createTies(): Ties {
  const ties = new RecentMap<string, { readonly uid: string; readonly neighbour: Neighbour | undefined }>(
    addressesKept,
  );
  return {
    of(address, uid) {
      const tie = ties.get(address);
      return tie?.uid === uid ? tie.neighbour : undefined;
    },
    set: (address, uid, neighbour) => void ties.set(address, { uid, neighbour }),
  };
}
