// Counts how many pods of each host need each identity (a resource), or use each AzureIdentity (an object). Updated pod by pod, so
// that a query costs the same for any size of cluster.
import type { ResourceId } from '@pod-identity/crd-types';
import { Grouped } from './grouped.ts';

export class NeedCounts<Id extends string = ResourceId> {
  readonly #counts = new Map<ResourceId, Map<Id, number>>();
  readonly #revisions = new Map<ResourceId, number>();
  readonly #hosts = new Grouped<Id, ResourceId>();

  of(host: ResourceId): ReadonlyMap<Id, number> {
    return this.#counts.get(host) ?? (nothing as ReadonlyMap<Id, number>);
  }

  /** Increases whenever an id starts or stops being needed on the host. */
  revision(host: ResourceId): number {
    return this.#revisions.get(host) ?? 0;
  }

  hostsNeeding(id: Id): ReadonlySet<ResourceId> {
    return this.#hosts.of(id);
  }

  /** Returns the ids that no pod on the host needed before. */
  add(host: ResourceId, ids: readonly Id[]): Id[] {
    if (ids.length === 0) return [];
    const counts = this.#counts.get(host) ?? new Map<Id, number>();
    this.#counts.set(host, counts);
    return ids.filter((id) => {
      const count = counts.get(id) ?? 0;
      counts.set(id, count + 1);
      if (count > 0) return false;
      this.#hosts.add(id, host);
      this.#revisions.set(host, this.revision(host) + 1);
      return true;
    });
  }

  /** Returns the ids that no pod on the host needs any more. */
  remove(host: ResourceId, ids: readonly Id[]): Id[] {
    const counts = this.#counts.get(host);
    if (counts === undefined) return [];
    const ended = ids.filter((id) => this.#countDown(counts, host, id));
    if (counts.size === 0) this.#counts.delete(host);
    return ended;
  }

  #countDown(counts: Map<Id, number>, host: ResourceId, id: Id): boolean {
    const left = (counts.get(id) ?? 0) - 1;
    if (left > 0) {
      counts.set(id, left);
      return false;
    }
    this.#hosts.remove(id, host);
    this.#revisions.set(host, this.revision(host) + 1);
    return counts.delete(id);
  }
}

const nothing: ReadonlyMap<string, number> = new Map();
