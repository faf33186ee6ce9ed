import { RecentMap } from '@pod-identity/kit/core';
import type { Neighbour } from './neighbour.ts';

/** The kernel's entry for an address when its pod was last confirmed. */
export interface ConfirmedNeighbour {
  readonly neighbour: Neighbour;
  /** It was read after the pod's first packet. Otherwise it may be the entry of the last pod of the address. */
  readonly isOwn: boolean;
}

export interface ConfirmedNeighbours {
  of(address: string, uid: string): ConfirmedNeighbour | undefined;
  set(address: string, uid: string, confirmed: ConfirmedNeighbour | undefined): void;
}

/** Far more addresses than a node has. */
export const addressesKept = 4_096;

export function createConfirmedNeighbours(): ConfirmedNeighbours {
  const neighbours = new RecentMap<
    string,
    { readonly uid: string; readonly confirmed: ConfirmedNeighbour | undefined }
  >(addressesKept);
  return {
    of(address, uid) {
      const kept = neighbours.get(address);
      return kept?.uid === uid ? kept.confirmed : undefined;
    },
    set: (address, uid, confirmed) => void neighbours.set(address, { uid, confirmed }),
  };
}
