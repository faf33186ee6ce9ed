// A MIC writes only while it holds the Lease: to the API server (Events included) and to ARM.
import type { History, ObjectChange, Violation } from './history.ts';

/** A process that was stopped between its check of the Lease and its write is allowed this one write. */
const wakingMs = 250;

export function judgeFencing(history: History): Violation[] {
  const leases = history.changes.filter(({ resource }) => resource === 'leases');
  const acts = [
    ...history.writes
      .filter(({ path }) => !path.includes('/leases'))
      .map(({ at, component, method, path }) => ({ at, component, what: `${method} ${path}` })),
    ...history.patches.map(({ at, component, host }) => ({ at, component, what: `PATCH of ${host} in ARM` })),
  ];
  return acts.flatMap(({ at, component, what }) => {
    const holder = holderAt(leases, at);
    if (holder === '' || holder === component || hasJustWoken(history, component, at)) return [];
    return { at, rule: 'fencing', what: `${component} wrote while ${holder} held the Lease: ${what}` };
  });
}

function holderAt(leases: readonly ObjectChange[], at: number): string {
  const last = leases.findLast((change) => change.at <= at);
  const { holderIdentity = '' } = (last?.object?.['spec'] ?? {}) as { holderIdentity?: string };
  return holderIdentity;
}

function hasJustWoken({ standstills }: History, component: string, at: number): boolean {
  return standstills.some(
    (one) => one.component === component && at >= one.endedAt && at < one.endedAt + wakingMs,
  );
}
