import { RecentMap } from '@pod-identity/kit/core';
import type { Neighbour } from './neighbour.ts';

/** The kernel's entry for an address when its pod was last confirmed. */
export interface Tie {
  readonly neighbour: Neighbour;
  /** It was read after the pod's first packet. Otherwise it may be the entry of the last pod of the address. */
  readonly isOwn: boolean;
}

export interface Ties {
  of(address: string, uid: string): Tie | undefined;
  set(address: string, uid: string, tie: Tie | undefined): void;
}

/** Far more addresses than a node has. */
export const addressesKept = 4_096;

export function createTies(): Ties {
  const ties = new RecentMap<string, { readonly uid: string; readonly tie: Tie | undefined }>(addressesKept);
  return {
    of(address, uid) {
      const kept = ties.get(address);
      return kept?.uid === uid ? kept.tie : undefined;
    },
    set: (address, uid, tie) => void ties.set(address, { uid, tie }),
  };
}
