// The identities that each host needs for its pods, those that may be attached, and the AzureIdentities that cause them, each with the
// number of pods. Updated pod by pod, so that a query costs the same for any size of cluster.
import type { ResourceId } from '@pod-identity/crd-types';
import { Grouped } from './grouped.ts';
import type { HostKey } from './host-groups.ts';
import type { Counted } from './pod-entries.ts';

/** What a pod counts for, and on which host. */
export interface Settled {
  readonly host: HostKey;
  readonly counted: Counted;
}

type Kind = keyof Counted;

type Counts<Id extends string> = ReadonlyMap<Id, number>;

export class HostCounts {
  readonly #counts = {
    needs: new Map<ResourceId, Map<ResourceId, number>>(),
    grants: new Map<ResourceId, Map<ResourceId, number>>(),
    uses: new Map<ResourceId, Map<string, number>>(),
  };
  readonly #hostsUsing = new Grouped<string, ResourceId>();

  /** The needed identities of this host, with the number of pods that need each (at least one). */
  needs(host: ResourceId): Counts<ResourceId> {
    return this.#counts.needs.get(host) ?? new Map<ResourceId, number>();
  }

  /** The needed identities that may be attached, since some pod may use them. */
  grants(host: ResourceId): Counts<ResourceId> {
    return this.#counts.grants.get(host) ?? new Map<ResourceId, number>();
  }

  /** AzureIdentities that pods use on this host, with the number of pods. */
  uses(host: ResourceId): Counts<string> {
    return this.#counts.uses.get(host) ?? new Map<string, number>();
  }

  hostsUsing(identityKey: string): ReadonlySet<ResourceId> {
    return this.#hostsUsing.of(identityKey);
  }

  /** Moves the counts of one pod. Returns the AzureIdentities that are now used on one host more or less, and whether needs or grants are others. */
  move(from: Settled, to: Settled): { readonly uses: readonly string[]; readonly isOther: boolean } {
    const changed = (kind: Kind) =>
      // What stays must not begin and end.
      isSame(from, to, kind) ? [] : [...this.#count(kind, to, 1), ...this.#count(kind, from, -1)];
    const [needs, grants] = [changed('needs'), changed('grants')];
    return { uses: changed('uses'), isOther: needs.length + grants.length > 0 };
  }

  /** Returns the ids of which the first pod came or the last one went. */
  #count(kind: Kind, { host, counted }: Settled, by: 1 | -1): readonly string[] {
    const ids: readonly string[] = counted[kind];
    if (host === undefined || ids.length === 0) return [];
    const all: Map<ResourceId, Map<string, number>> = this.#counts[kind];
    const counts = all.get(host) ?? new Map<string, number>();
    const changed = ids.filter((id) => {
      const count = (counts.get(id) ?? 0) + by;
      if (count > 0) counts.set(id, count);
      else counts.delete(id);
      return by === 1 ? count === 1 : count === 0;
    });
    if (counts.size > 0) all.set(host, counts);
    else all.delete(host);
    if (kind === 'uses') this.#note(host, changed);
    return changed;
  }

  #note(host: ResourceId, changed: readonly string[]): void {
    for (const id of changed)
      if (this.uses(host).has(id)) this.#hostsUsing.add(id, host);
      else this.#hostsUsing.remove(id, host);
  }
}

function isSame(from: Settled, to: Settled, kind: Kind): boolean {
  const [a, b]: (readonly string[])[] = [from.counted[kind], to.counted[kind]];
  if (from.host !== to.host || a === undefined || b === undefined) return false;
  return a === b || (a.length === b.length && a.every((id, position) => id === b[position]));
}
