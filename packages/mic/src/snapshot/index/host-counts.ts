// What each host must carry for its pods, what of it may be attached, and the AzureIdentities by which pods get it.
import type { ResourceId } from '@pod-identity/crd-types';
import type { HostKey } from './host-groups.ts';
import { NeedCounts } from './need-counts.ts';
import type { Counted } from './pod-entries.ts';

/** What a pod counts for, and where. */
export interface Settled {
  readonly host: HostKey;
  readonly counted: Counted;
}

export class HostCounts {
  readonly #needs = new NeedCounts();
  readonly #grants = new NeedCounts();
  readonly #uses = new NeedCounts<string>();

  /** By identity, how many pods need it on this host; none that nobody needs. */
  needs(host: ResourceId): ReadonlyMap<ResourceId, number> {
    return this.#needs.of(host);
  }

  /** Those of them that may be attached: some pod may use them. */
  grants(host: ResourceId): ReadonlyMap<ResourceId, number> {
    return this.#grants.of(host);
  }

  /** By AzureIdentity, how many pods get something by it there. */
  uses(host: ResourceId): ReadonlyMap<string, number> {
    return this.#uses.of(host);
  }

  hostsUsing(identityKey: string): ReadonlySet<ResourceId> {
    return this.#uses.hostsNeeding(identityKey);
  }

  /** Goes up with each id that begins or ceases to be needed on the host, or to be allowed there. */
  revision(host: ResourceId): number {
    return this.#needs.revision(host) + this.#grants.revision(host);
  }

  /** One pod counts for something else now. Returns the AzureIdentities that are used on one host more, or one less. */
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
