// Keeps what each pod counts for up to date. A changed pod is settled at once. Pods that changes of other objects concern are stale
// until their turn: one edit can concern thousands of pods, and others must not wait for all of them.
import { selectsPod } from '@pod-identity/crd-types';
import type { Concern } from './concern.ts';
import { Dirt } from './dirt.ts';
import { HostCounts, type Settled } from './host-counts.ts';
import type { HostGroups } from './host-groups.ts';
import { stepsOfTurn, type Changed, type Matching } from './matching.ts';
import { nothingCounted, type Counted, type Entry, type PodEntries, type Reviewed } from './pod-entries.ts';
import type { RightsOfPods } from './rights.ts';
import { StaleEntries } from './stale-entries.ts';
import { UnlistedNamespaces } from './unlisted.ts';
import { namespaceOf } from '../keys.ts';
import { factsOf } from '../pod-facts.ts';

export interface SettlingParts {
  readonly pods: PodEntries;
  readonly groups: HostGroups;
  readonly matching: Matching;
  readonly rights: RightsOfPods;
  readonly concern: Concern;
}

export class Settling {
  readonly #parts: SettlingParts;
  readonly #stale = new StaleEntries();
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

  get hasStale(): boolean {
    return this.#stale.size > 0;
  }

  /**
   * To be called when the pod may get something else now; with `isNews` if it must be planned in any case. It is evaluated in its turn;
   * until then nothing may be attached for it, since what it gets may be less than before. What it needed stays attached.
   */
  expire(entry: Entry, isNews = false): void {
    entry.isNews ||= isNews;
    if (entry.isStale) return;
    this.#stale.add(entry);
    if (entry.counted.grants.length === 0) return;
    const { home: host, counted } = entry;
    entry.counted = withoutGrants(counted);
    this.counts.move({ host, counted }, { host, counted: entry.counted });
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

  /** Settles stale pods in the turns of their namespaces. */
  settleWhile(mayGoOn: () => boolean): void {
    while (this.#stale.size > 0 && mayGoOn()) {
      const entry = this.#stale.next();
      if (entry) this.#takeTurn(entry);
    }
  }

  *settleEach(): Generator<undefined> {
    const more = new Map<string, number>();
    for (const entry of this.#stale.all()) {
      const namespace = namespaceOf(entry.key);
      while (entry.isStale && !this.#takeTurn(entry)) {
        const turns = more.get(namespace) ?? mostMoreTurns;
        if (turns === 0) break;
        more.set(namespace, turns - 1);
        yield;
      }
      yield;
    }
  }

  /** To be called with a changed entry. Among many bindings it is evaluated in its turn. */
  settle(entry: Entry): void {
    const { matching } = this.#parts;
    entry.isNews = true;
    if (entry.pod && !matching.isDecidable(entry.pod, 0)) this.expire(entry);
    else this.#evaluate(entry);
  }

  /** Returns whether the entry has been evaluated: among many bindings that takes several turns. */
  #takeTurn(entry: Entry): boolean {
    if (entry.pod && !this.#parts.matching.isDecidable(entry.pod, stepsOfTurn)) return false;
    this.#evaluate(entry);
    return true;
  }

  /** Moves an entry to its current host, counts its needs there, and marks what has changed as dirty. */
  #evaluate(entry: Entry): void {
    this.#stale.delete(entry);
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
    // Not before: a pair that is held without interruption keeps its verdict, also if another pod needs it now.
    const namespace = namespaceOf(entry.key);
    if (this.#stale.hasIn(namespace)) return;
    this.#parts.rights.releaseLeft(namespace);
    this.#parts.matching.forgetOutdated(namespace);
  }

  #expireAll(entries: Iterable<Entry>, isNews: boolean, isBareOnly = false): void {
    for (const entry of entries) if (!isBareOnly || !entry.hasOwn) this.expire(entry, isNews);
  }

  #selected({ namespace, selecting, isNews }: Changed): readonly Entry[] {
    if (selecting.length === 0) return [];
    const entries = [...this.#parts.pods.in(namespace)];
    return entries.filter((entry) => (isNews || !entry.isStale) && isSelected(entry, selecting));
  }

  #move(entry: Entry, before: Settled): void {
    const { home: host, counted } = entry;
    const revision = () => (host === undefined ? 0 : this.counts.revision(host));
    const known = revision();
    this.#parts.concern.usesChanged(this.counts.move(before, { host, counted }));
    // Also for an unchanged pod: its grants were removed from the counts while it was stale.
    if (host !== undefined && revision() !== known) this.dirt.touch(host);
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

/**
 * Of one namespace before the first decision of a term, which waits for them. Pods that need more are evaluated later, in their turns: what
 * they need is not detached for minutes.
 */
const mostMoreTurns = 200;

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
