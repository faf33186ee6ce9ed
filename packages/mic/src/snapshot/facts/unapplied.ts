// Entries of a host from updates of MIC that are not known to have succeeded. ARM lists an entry as soon as it accepts an update; the
// machines have the identity, and IMDS returns tokens for it, only after the operation succeeded. Pure.
import type { ResourceId } from '@pod-identity/crd-types';
import type { HostFacts } from './facts.ts';
import type { HostReading } from './outcomes.ts';

type Unapplied = HostFacts['unapplied'];

/** To be recorded before a PATCH that adds these. */
export function withSent(facts: HostFacts, adding: readonly ResourceId[]): HostFacts {
  if (adding.every((id) => facts.unapplied.has(id))) return facts;
  return { ...facts, unapplied: new Set([...facts.unapplied, ...adding]) };
}

/** To be called after their operations succeeded. */
export function withApplied(facts: HostFacts, ids: readonly ResourceId[]): HostFacts {
  const unapplied = withoutIds(facts.unapplied, ids);
  return unapplied === facts.unapplied ? facts : { ...facts, unapplied };
}

export function withoutIds(unapplied: Unapplied, ids: readonly ResourceId[]): Unapplied {
  if (!ids.some((id) => unapplied.has(id))) return unapplied;
  return new Set([...unapplied].filter((id) => !ids.includes(id)));
}

/** An update succeeds or fails for all that the host lists, whoever sent it. During an update the list has no information. */
export function unappliedAfter(
  unapplied: Unapplied,
  { present, unsettled, failed }: Omit<HostReading, 'kind'>,
): Unapplied {
  if (unsettled || unapplied.size === 0) return unapplied;
  return new Set(failed ? [...unapplied].filter((id) => present.has(id)) : []);
}

/** Ids that are listed and not applied yet. */
export function listedUnapplied({ present, unapplied }: HostFacts): ResourceId[] {
  return [...unapplied].filter((id) => present?.has(id) === true);
}

/** Time until the next read of a host with an update in progress: half of the time that it has taken so far. */
export function updateReadMs(facts: HostFacts, readAt: number): number {
  const begun = Math.max(...listedUnapplied(facts).map((id) => facts.ours.get(id)?.since ?? readAt));
  return Math.min(60_000, Math.max(2_000, (readAt - begun) / 2));
}
