// The identities that each host needs for its pods, those that may be attached, and the AzureIdentities that cause them.
import type { ResourceId } from '@pod-identity/crd-types';
import type { HostKey } from './host-groups.ts';
import { NeedCounts } from './need-counts.ts';
import type { Counted } from './pod-entries.ts';

/** What a pod counts for, and on which host. */
export interface Settled {
  readonly host: HostKey;
  readonly counted: Counted;
}

export class HostCounts {
  readonly #needs = new NeedCounts();
  readonly #grants = new NeedCounts();
  readonly #uses = new NeedCounts<string>();

  /** The needed identities of this host, with the number of pods that need each (at least one). */
  needs(host: ResourceId): ReadonlyMap<ResourceId, number> {
    return this.#needs.of(host);
  }

  /** The needed identities that may be attached, since some pod may use them. */
  grants(host: ResourceId): ReadonlyMap<ResourceId, number> {
    return this.#grants.of(host);
  }

  /** AzureIdentities that pods use on this host, with the number of pods. */
  uses(host: ResourceId): ReadonlyMap<string, number> {
    return this.#uses.of(host);
  }

  hostsUsing(identityKey: string): ReadonlySet<ResourceId> {
    return this.#uses.hostsNeeding(identityKey);
  }

  /** Increases whenever an id starts or stops being needed or granted on the host. */
  revision(host: ResourceId): number {
    return this.#needs.revision(host) + this.#grants.revision(host);
  }

  /** Moves the counts of one pod. Returns the AzureIdentities that are now used on one host more or less. */
  move(from: Settled, to: Settled): readonly string[] {
    if (!isSame(from, to, 'needs')) exchange(this.#needs, [from, from.counted.needs], [to, to.counted.needs]);
    if (!isSame(from, to, 'grants'))
      exchange(this.#grants, [from, from.counted.grants], [to, to.counted.grants]);
    if (isSame(from, to, 'uses')) return [];
    return exchange(this.#uses, [from, from.counted.uses], [to, to.counted.uses]);
  }
}

type Share<Id> = readonly [at: Pick<Settled, 'host'>, ids: readonly Id[]];

function exchange<Id extends string>(counts: NeedCounts<Id>, before: Share<Id>, after: Share<Id>): Id[] {
  const [[from, old], [to, ids]] = [before, after];
  const began = to.host === undefined ? [] : counts.add(to.host, ids);
  const ended = from.host === undefined ? [] : counts.remove(from.host, old);
  return [...began, ...ended];
}

function isSame(from: Settled, to: Settled, which: keyof Counted): boolean {
  const [a, b]: (readonly string[])[] = [from.counted[which], to.counted[which]];
  if (from.host !== to.host || a === undefined || b === undefined) return false;
  return a === b || (a.length === b.length && a.every((id, position) => id === b[position]));
}
