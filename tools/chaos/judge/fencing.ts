// A MIC writes only while it holds the Lease: to the API server (Events included) and to ARM. What arrives after it gave the Lease back is
// late, too.
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
    const holders = holdersAt(leases, at);
    if (holders.length === 0 || holders.includes(component) || hasJustWoken(history, component, at))
      return [];
    const who = holders.join(' or ') || 'nobody';
    return { at, rule: 'fencing', what: `${component} wrote while ${who} held the Lease: ${what}` };
  });
}

/** Two if the Lease changed in that millisecond; '' while it is free; none before the first election. */
function holdersAt(leases: readonly ObjectChange[], at: number): string[] {
  const before = leases.findLast((change) => change.at < at);
  const then = leases.filter((change) => change.at === at);
  return [...(before ? [before] : []), ...then].map(({ object }) => {
    const { holderIdentity = '' } = (object?.['spec'] ?? {}) as { holderIdentity?: string };
    return holderIdentity;
  });
}

function hasJustWoken({ standstills }: History, component: string, at: number): boolean {
  return standstills.some(
    (one) => one.component === component && at >= one.endedAt && at < one.endedAt + wakingMs,
  );
}
