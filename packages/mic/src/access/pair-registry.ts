// Room: which ServiceAccounts are in need of which Azure identities, and what the API server says about each pair.
// It must not know pods, identities or hosts, or decide what follows from a verdict.
//
// The pairs of ServiceAccount and target that live pods need, and their verdicts. Pure: it sends no review and reads no clock.
import type { AccessSubject, AccessTarget } from '@pod-identity/crd-types';
import { Turns } from '@pod-identity/kit/core';
import { pairKey, type NamesReview } from '@pod-identity/policy';
import { DueTimes } from './due-times.ts';
import {
  awaited,
  foldReview,
  forgotten,
  isReviewedSoon,
  unreviewed,
  type ReviewMoment,
  type PairState,
  type PairVerdict,
} from './pair-verdict.ts';

/** All pods of one ServiceAccount that need the same targets. */
export interface Holder {
  readonly subject: AccessSubject;
  readonly targets: readonly AccessTarget[];
}

/** A pair to review, repeatedly, as long as it has a holder. */
export interface Pair {
  readonly subject: AccessSubject;
  readonly target: AccessTarget;
  readonly state: PairState;
}

/** Limit for MIC, since the editors of a namespace can create any number. */
export const pairsPerNamespace = 10_000;

export interface PairRegistryOptions {
  /** Limit for the pairs of one namespace. Further holders wait until there is room. */
  readonly pairsPerNamespace: number;
  /** Each pair is reviewed again within this time. */
  readonly recheckMs: number;
}

class Held<H> implements Pair {
  readonly key: string;
  readonly subject: AccessSubject;
  readonly target: AccessTarget;
  readonly holders = new Set<H>();
  state: PairState = unreviewed;

  constructor(key: string, subject: AccessSubject, target: AccessTarget) {
    this.key = key;
    this.subject = subject;
    this.target = target;
  }

  get dueAt(): number {
    return this.state.dueAt;
  }
}

interface Tenant<H> {
  readonly pairs: Map<string, Held<H>>;
  /** Those that are reviewed again soon. */
  readonly soon: Set<Held<H>>;
  /** The pairs of holders that had room, in the order of their targets. A cache, since the keys of pairs are long. */
  readonly held: Map<H, readonly Held<H>[]>;
  /** Holders without room. */
  readonly waiting: Set<H>;
}

/** Pairs to review for the first time, and again. Namespaces take turns, within them these two, and within those ServiceAccounts. */
const createQueue = <H>() => new Turns<Held<H>, 'fresh' | 'again'>({ fresh: {}, again: {} });

export class PairRegistry<H extends Holder = Holder> {
  readonly #options: PairRegistryOptions;
  readonly #tenants = new Map<string, Tenant<H>>();
  #queue = createQueue<H>();
  readonly #later = new DueTimes<Held<H>>();
  readonly #inReview = new Map<Pair, Held<H>>();
  readonly #admitted = new Set<H>();
  /** Called when there may be more pairs to review. */
  onFresh: () => void = () => undefined;

  constructor(options: PairRegistryOptions) {
    this.#options = options;
  }

  hold(holder: H): void {
    const tenant = this.#tenantOf(holder.subject.namespace);
    if (!this.#hasRoom(tenant)) {
      tenant.waiting.add(holder);
      return;
    }
    this.#holdAll(tenant, holder);
    this.onFresh();
  }

  /** To be called when a new pod needs the pairs of the holder, and when it gets room: as long as they are not allowed, they are reviewed again soon, for some minutes. */
  await(holder: H): void {
    if (this.#reviewSoon(holder)) this.onFresh();
  }

  #reviewSoon(holder: H): boolean {
    const tenant = this.#tenants.get(holder.subject.namespace);
    const pairs = (tenant?.held.get(holder) ?? []).filter(({ state }) => state.verdict !== 'allowed');
    for (const pair of pairs) {
      pair.state = awaited(pair.state);
      if (this.#later.remove(pair)) this.#later.add(pair);
    }
    return pairs.length > 0;
  }

  release(holder: H): void {
    const { namespace } = holder.subject;
    const tenant = this.#tenants.get(namespace);
    if (tenant === undefined) return;
    this.#admitted.delete(holder);
    tenant.waiting.delete(holder);
    for (const pair of tenant.held.get(holder) ?? []) this.#releaseOne(tenant, holder, pair);
    tenant.held.delete(holder);
    if (tenant.pairs.size === 0 && tenant.waiting.size === 0) this.#tenants.delete(namespace);
    else this.#admit(tenant);
  }

  /** `unknown` for a holder that waits for room: `record` would not return it after a change. */
  verdict(holder: H, target: AccessTarget): PairVerdict {
    const tenant = this.#tenants.get(holder.subject.namespace);
    const held = tenant?.held.get(holder);
    const pair =
      held?.[holder.targets.indexOf(target)] ?? (held && tenant?.pairs.get(pairKey(holder.subject, target)));
    return pair?.holders.has(holder) === true ? pair.state.verdict : 'unknown';
  }

  /** Holders that got room since the last call; their verdicts may have changed. */
  takeAdmitted(): readonly H[] {
    const admitted = [...this.#admitted];
    this.#admitted.clear();
    return admitted;
  }

  /** Whether the holder waits because its namespace has too many pairs. */
  waits(holder: H): boolean {
    return this.#tenants.get(holder.subject.namespace)?.waiting.has(holder) ?? false;
  }

  /** The number of holders that wait because their namespace has too many pairs. */
  waiting(): number {
    let count = 0;
    for (const { waiting } of this.#tenants.values()) count += waiting.size;
    return count;
  }

  /** The number of pairs by verdict. */
  census(): Readonly<Record<PairVerdict, number>> {
    const counts = { allowed: 0, denied: 0, unknown: 0 };
    for (const { pairs } of this.#tenants.values())
      for (const { state } of pairs.values()) counts[state.verdict] += 1;
    return counts;
  }

  /** The next pair to review; the caller passes the result to `record`. */
  next(now: number, mayReview?: (namespace: string) => boolean): Pair | undefined {
    for (const pair of this.#later.take(now)) this.#enqueue('again', pair);
    const pair = this.#queue.next(mayReview)?.item;
    if (pair === undefined) return undefined;
    this.#inReview.set(pair, pair);
    return pair;
  }

  /** When a pair will be due; undefined if there is none. */
  get nextAt(): number | undefined {
    return this.#queue.size() > 0 ? 0 : this.#later.nextAt;
  }

  /** Returns the holders if the result changed the verdict; none for a pair without holders. */
  record(pair: Pair, result: NamesReview, moment: Pick<ReviewMoment, 'now' | 'chance'>): readonly H[] {
    const held = this.#inReview.get(pair);
    this.#inReview.delete(pair);
    if (held === undefined) return [];
    const { soon } = this.#tenantOf(pair.subject.namespace);
    const { recheckMs } = this.#options;
    const before = held.state.verdict;
    held.state = foldReview(held.state, result, { ...moment, recheckMs, soonPairs: soon.size });
    if (isReviewedSoon(held.state)) soon.add(held);
    else soon.delete(held);
    this.#later.add(held);
    return held.state.verdict === before ? [] : [...held.holders];
  }

  /** To be called when denials of the namespace begin to take effect: they count as `unknown` until they are reviewed again. */
  doubtDenials(namespace: string): void {
    const pairs = [...(this.#tenants.get(namespace)?.pairs.values() ?? [])];
    const denied = pairs.filter(({ state }) => state.verdict === 'denied');
    for (const pair of denied) {
      pair.state = forgotten(pair.state);
      this.#withdraw(pair);
      this.#enqueue('fresh', pair);
    }
    if (denied.length > 0) this.onFresh();
  }

  /** To be called at the end of a term: forgets all verdicts, since the next term reviews again, and ignores results still to come. */
  forget(): readonly H[] {
    this.#queue = createQueue<H>();
    this.#inReview.clear();
    const pairs = [...this.#tenants.values()].flatMap((tenant) => [...tenant.pairs.values()]);
    const known = pairs.filter(({ state }) => state.verdict !== 'unknown');
    for (const pair of pairs) {
      pair.state = forgotten(pair.state);
      this.#later.remove(pair);
      this.#enqueue('fresh', pair);
    }
    return [...new Set(known.flatMap(({ holders }) => [...holders]))];
  }

  #tenantOf(namespace: string): Tenant<H> {
    const tenant = this.#tenants.get(namespace) ?? {
      pairs: new Map(),
      soon: new Set(),
      held: new Map(),
      waiting: new Set<H>(),
    };
    this.#tenants.set(namespace, tenant);
    return tenant;
  }

  #hasRoom({ pairs }: Tenant<H>): boolean {
    return pairs.size < this.#options.pairsPerNamespace;
  }

  #admit(tenant: Tenant<H>): void {
    for (const holder of tenant.waiting) {
      if (!this.#hasRoom(tenant)) return;
      tenant.waiting.delete(holder);
      this.#admitted.add(holder);
      this.#holdAll(tenant, holder);
      // Its pods have waited since they came, which counted for nothing without room.
      this.#reviewSoon(holder);
      this.onFresh();
    }
  }

  #holdAll(tenant: Tenant<H>, holder: H): void {
    const pairs = holder.targets.map((target) => this.#holdOne(tenant, holder, target));
    tenant.held.set(holder, pairs);
  }

  #holdOne({ pairs }: Tenant<H>, holder: H, target: AccessTarget): Held<H> {
    const key = pairKey(holder.subject, target);
    const known = pairs.get(key);
    const pair = known ?? new Held<H>(key, holder.subject, target);
    pair.holders.add(holder);
    if (known) return known;
    pairs.set(key, pair);
    this.#enqueue('fresh', pair);
    return pair;
  }

  #releaseOne({ pairs, soon }: Tenant<H>, holder: H, pair: Held<H>): void {
    if (!pair.holders.delete(holder) || pair.holders.size > 0) return;
    pairs.delete(pair.key);
    soon.delete(pair);
    this.#withdraw(pair);
  }

  /** Removes the pair from all queues; the result of a review in progress is ignored. */
  #withdraw(pair: Held<H>): void {
    this.#inReview.delete(pair);
    this.#later.remove(pair);
    this.#queue.remove(pair);
  }

  #enqueue(kind: 'fresh' | 'again', pair: Held<H>): void {
    const { namespace, name } = pair.subject;
    this.#queue.add(kind, { namespace, pod: name }, pair);
  }
}
