import { createShareMap, type Clock, type Keyed } from '@pod-identity/kit/core';

/** Limited, since a process that was killed may have been slow because the node was busy. */
const keptMs = 10 * 60_000;
const limits = { perNamespace: 32, total: 2_000 };

interface Refused extends Keyed {
  readonly fault: string;
  readonly until: number;
}

/** Certificates that could not be read, which are not tried again for a while even if other keys of the Secret change. */
export function createRefusedCertificates(clock: Pick<Clock, 'elapsed'>) {
  const memory = createShareMap<Refused>(limits);
  return {
    recall(namespace: string, digest: string): string | undefined {
      const { fault, until = 0 } = memory.get(keyOf(namespace, digest)) ?? {};
      return clock.elapsed() < until ? fault : undefined;
    },
    note(namespace: string, digest: string, fault: string): void {
      const until = clock.elapsed() + keptMs;
      memory.set({ key: keyOf(namespace, digest), namespace, weight: 1, fault, until });
    },
  };
}

const keyOf = (namespace: string, digest: string) => `${namespace}/${digest}`;
