import { RecentMap, type Clock } from '@pod-identity/kit/core';

/** Certificates that could not be read, which are not tried again for a while even if other keys of the Secret change. */
export interface RefusedCertificates {
  recall(namespace: string, digest: string): string | undefined;
  note(namespace: string, digest: string, fault: string): void;
}

/** Limited, since a process that was killed may have been slow because the node was busy. */
const keptMs = 10 * 60_000;
const keptOfNamespace = 32;

interface Refused {
  readonly fault: string;
  readonly until: number;
}

export function createRefusedCertificates(clock: Pick<Clock, 'elapsed'>): RefusedCertificates {
  const memory = new Map<string, Map<string, Refused>>();

  const prune = () => {
    const now = clock.elapsed();
    for (const [namespace, refused] of memory) {
      for (const [digest, { until }] of refused) if (until <= now) refused.delete(digest);
      if (refused.size === 0) memory.delete(namespace);
    }
  };

  return {
    recall(namespace, digest) {
      const { fault, until = 0 } = memory.get(namespace)?.get(digest) ?? {};
      return clock.elapsed() < until ? fault : undefined;
    },
    note(namespace, digest, fault) {
      prune();
      const ofNamespace = memory.get(namespace) ?? new RecentMap<string, Refused>(keptOfNamespace);
      ofNamespace.set(digest, { fault, until: clock.elapsed() + keptMs });
      memory.set(namespace, ofNamespace);
    },
  };
}
