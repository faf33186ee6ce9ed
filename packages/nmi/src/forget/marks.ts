import type { RightsChange } from '../authorize/types.ts';
import type { Holder, Holders } from './holders.ts';

/** Of which other namespaces the pods of a namespace may get identities; undefined: of none. */
export type Reach = (namespace: string) => ((other: string) => boolean) | undefined;

export interface Marks {
  pod(holder: Holder): void;
  change(change: RightsChange): void;
  /** The pods whose rights may have changed since the last call. */
  take(): Iterable<Holder>;
}

/** More changed namespaces than these count as all. */
const namespacesMarked = 256;

/** What has changed; bounded by the pods that hold something, whatever changes. */
export function createMarks(holders: Pick<Holders, 'namespaces' | 'in'>, reachOf: Reach): Marks {
  let pods = new Set<Holder>();
  let changed = new Set<string>();
  let reaching = new Set<string>();

  const isConcerned = (namespace: string) => {
    if (changed.has(namespace)) return true;
    if (reaching.size === 0) return false;
    const reaches = reachOf(namespace);
    if (!reaches) return false;
    return reaching.size > namespacesMarked || [...reaching].some((other) => reaches(other));
  };

  return {
    pod: (holder) => void pods.add(holder),
    change({ namespace, reachesOut }) {
      const [first] = holders.in(namespace);
      if (first) changed.add(namespace);
      if (reachesOut && reaching.size <= namespacesMarked) reaching.add(namespace);
    },
    take() {
      for (const namespace of holders.namespaces())
        if (isConcerned(namespace)) for (const holder of holders.in(namespace)) pods.add(holder);
      const taken = pods;
      [pods, changed, reaching] = [new Set(), new Set(), new Set()];
      return taken;
    },
  };
}
