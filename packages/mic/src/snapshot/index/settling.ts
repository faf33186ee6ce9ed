// Keeps what each pod counts for up to date. A changed pod is evaluated at once. Pods that changes of other objects concern are
// evaluated together, before the next question about them: many changes at once cost as much as one.
import { selectsPod } from '@pod-identity/crd-types';
import type { Concern } from './concern.ts';
import { HostCounts, type Settled } from './host-counts.ts';
import type { HostGroups, HostKey } from './host-groups.ts';
import { factsOf, type Changed, type Matching } from './matching.ts';
import { nothingCounted, type Counted, type Entry, type PodEntries, type Reviewed } from './pod-entries.ts';
import type { RightsOfPods } from './rights.ts';
import { UnlistedNamespaces } from './unlisted.ts';
import { namespaceOf } from '../keys.ts';
import type { PodKey } from '../views.ts';

interface SettlingParts {
  readonly pods: PodEntries;
  readonly groups: HostGroups;
  readonly matching: Matching;
  readonly rights: RightsOfPods;
  readonly concern: Concern;
}

/** Changes since a host was last planned. A host can be dirty without dirty pods, for example after a pod has left it. */
class Dirt {
  readonly #pods = new Map<HostKey, Set<PodKey>>();

  hosts(): Iterable<HostKey> {
    return this.#pods.keys();
  }

  has(host: HostKey): boolean {
    return this.#pods.has(host);
  }

  touch(host: HostKey): Set<PodKey> {
    const pods = this.#pods.get(host) ?? new Set<PodKey>();
    this.#pods.set(host, pods);
    return pods;
  }

  mark(host: HostKey, pod: PodKey): void {
    this.touch(host).add(pod);
  }

  take(host: HostKey): ReadonlySet<PodKey> {
    const pods = this.#pods.get(host) ?? new Set<PodKey>();
    this.#pods.delete(host);
    return pods;
  }
}

export class Settling {
  readonly #parts: SettlingParts;
  readonly #stale = new Set<Entry>();
  /** Namespaces of pods that were evaluated. */
  readonly #untidy = new Set<string>();
  readonly counts = new HostCounts();
  readonly dirt = new Dirt();
  readonly unlisted = new UnlistedNamespaces((namespaces) => {
    const { groups, pods } = this.#parts;
    for (const { id } of groups.hosts()) this.dirt.touch(id);
    for (const namespace of namespaces) for (const entry of pods.in(namespace)) this.expire(entry, true);
  });

  constructor(parts: SettlingParts) {
    this.#parts = parts;
  }

  /** To be called when the pod may get something else now; with `isNews` if it must be planned in any case. */
  expire(entry: Entry, isNews = false): void {
    entry.isNews ||= isNews;
    this.#stale.add(entry);
  }

  /** To be called with a change of an identity or of a binding. */
  expireConcerned(changed: Changed): void {
    const { labels, isOther, isNews } = changed;
    const { pods, matching } = this.#parts;
    for (const label of labels)
      for (const one of pods.namespacesLabelled(label)) {
        const concerned = matching.concernedIn(one, label, changed);
        if (concerned === 'none') continue;
        matching.labelChanged(one, label);
        if (isOther) this.#expireAll(pods.in(one, label), isNews, concerned === 'bare');
      }
    if (isOther) this.#expireAll(this.#selected(changed), isNews);
  }

  /** Evaluates all pods that changes of other objects concern. */
  settleStale(): void {
    if (this.#stale.size === 0) return;
    for (const entry of this.#stale) this.#evaluate(entry);
    this.#tidy();
  }

  /** To be called with a changed entry. */
  settle(entry: Entry): void {
    entry.isNews = true;
    this.#evaluate(entry);
    if (this.#stale.size === 0) this.#tidy();
  }

  /** Not before: a pair that is held without interruption keeps its verdict, also if another pod needs it now. */
  #tidy(): void {
    for (const namespace of this.#untidy) {
      this.#parts.rights.releaseLeft(namespace);
      this.#parts.matching.forgetOutdated(namespace);
    }
    this.#untidy.clear();
  }

  /** Moves an entry to its current host, counts its needs there, and marks what has changed as dirty. */
  #evaluate(entry: Entry): void {
    this.#stale.delete(entry);
    this.#untidy.add(namespaceOf(entry.key));
    const { pods, groups } = this.#parts;
    const before: Settled = { host: entry.home, counted: entry.counted };
    entry.home = groups.ofNode(pods.fileUnderNode(entry)).host?.id;
    const { meaningId, hasOwn = false, reviewed, counted } = this.#evaluated(entry);
    const isSame = meaningId === entry.meaningId && isSameReview(reviewed, entry.reviewed);
    entry.meaningId = meaningId;
    entry.hasOwn = hasOwn;
    entry.reviewed = reviewed;
    const isListed = !this.unlisted.has(namespaceOf(entry.key));
    entry.counted = isListed ? counted : withoutGrants(counted);
    this.#move(entry, before);
    // Its records are removed there.
    if (pods.dropIfEmpty(entry)) this.dirt.mark(before.host, entry.key);
    else if (entry.isNews || !isSame) this.dirt.mark(entry.home, entry.key);
    entry.isNews = false;
  }

  #expireAll(entries: Iterable<Entry>, isNews: boolean, isBareOnly = false): void {
    for (const entry of entries) if (!isBareOnly || !entry.hasOwn) this.expire(entry, isNews);
  }

  #selected({ namespace, selecting, isNews }: Changed): readonly Entry[] {
    if (selecting.length === 0) return [];
    const entries = [...this.#parts.pods.in(namespace)];
    return entries.filter((entry) => (isNews || !this.#stale.has(entry)) && isSelected(entry, selecting));
  }

  #move(entry: Entry, before: Settled): void {
    const { home: host, counted } = entry;
    const { isOther, uses } = this.counts.move(before, { host, counted });
    this.#parts.concern.usesChanged(uses);
    if (host !== undefined && isOther) this.dirt.touch(host);
    if (before.host !== undefined && before.host !== entry.home) this.dirt.touch(before.host);
  }

  #evaluated(
    entry: Entry,
  ): Pick<Entry, 'meaningId' | 'reviewed' | 'counted'> & { readonly hasOwn?: boolean } {
    const { rights, matching } = this.#parts;
    const { pod, home } = entry;
    if (pod === undefined || pod.finished || pod.nodeName === '') rights.leave(entry);
    if (pod === undefined || pod.finished)
      return { meaningId: 0, reviewed: undefined, counted: nothingCounted };
    const set = matching.matchSetOf(pod);
    const reviewed = pod.nodeName === '' ? undefined : rights.join(entry, set);
    const isHere = pod.nodeName !== '' && home !== undefined;
    return {
      meaningId: set.meaningId,
      hasOwn: set.hasOwn,
      reviewed,
      counted: isHere ? countedOnly(reviewed ?? set) : nothingCounted,
    };
  }
}

function isSelected({ pod }: Entry, selecting: Changed['selecting']): boolean {
  if (selecting === 'all' || pod === undefined) return true;
  const facts = factsOf(pod);
  return selecting.some((binding) => selectsPod(binding, facts));
}

function isSameReview(a: Reviewed | undefined, b: Reviewed | undefined): boolean {
  if (a === b) return true;
  const [known, other] = [a?.verdicts ?? [], b?.verdicts ?? []];
  return a?.mode === b?.mode && known.length === other.length && known.every((one, at) => one === other[at]);
}

function withoutGrants({ needs, uses }: Counted): Counted {
  return { needs, uses, grants: [] };
}

/** Not the matches, which hold copies of objects that may be outdated. */
function countedOnly({ needs, grants, uses }: Counted): Counted {
  return { needs, grants, uses };
}
