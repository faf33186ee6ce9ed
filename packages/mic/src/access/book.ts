// Room: which ServiceAccounts are in need of which Azure identities, and what the API server says about each pair.
// It must not know pods, identities or hosts, or decide what follows from a verdict.
//
// The pairs of a ServiceAccount and a target that live pods need, and their verdicts. Pure: it neither asks nor reads a clock.
import { accessTargetKey, type AccessSubject, type AccessTarget } from '@pod-identity/crd-types';
import { createFairQueue, type FairQueue } from '@pod-identity/kit/core';
import { DueTimes } from './due-times.ts';
import {
  foldAnswer,
  unasked,
  type Answer,
  type AnswerMoment,
  type Standing,
  type Verdict,
} from './verdict.ts';

/** All pods of one ServiceAccount that need the same targets. */
export interface Holder {
  readonly subject: AccessSubject;
  readonly targets: readonly AccessTarget[];
}

/** One question that is asked for as long as somebody holds the pair. */
export interface Pair {
  readonly subject: AccessSubject;
  readonly target: AccessTarget;
  readonly standing: Standing;
}

export interface BookOptions {
  /** Pairs of one namespace; those of further holders are not asked until there is room. Its editors can make any number. */
  readonly pairsPerNamespace: number;
  /** Each pair is asked again within this time. */
  readonly recheckMs: number;
}

class Held<H> implements Pair {
  readonly key: string;
  readonly subject: AccessSubject;
  readonly target: AccessTarget;
  readonly holders = new Set<H>();
  standing: Standing = unasked;

  constructor(key: string, subject: AccessSubject, target: AccessTarget) {
    this.key = key;
    this.subject = subject;
    this.target = target;
  }

  get dueAt(): number {
    return this.standing.dueAt;
  }
}

interface Tenant<H> {
  readonly pairs: Map<string, Held<H>>;
  /** By holder, for the pairs of which there was room. Keys are long: they are made once for each holder and target. */
  readonly held: Map<H, Map<AccessTarget, Held<H>>>;
  /** The others. */
  readonly waiting: Set<H>;
}

type Line<H> = FairQueue<Held<H>>;

const unbounded = { total: Infinity, perNamespace: Infinity, perPod: Infinity };

export class AccessBook<H extends Holder = Holder> {
  readonly #options: BookOptions;
  readonly #tenants = new Map<string, Tenant<H>>();
  /** Namespaces take turns in both lines, and in them ServiceAccounts. The lines take turns as well. */
  #fresh: Line<H> = createFairQueue<Held<H>>(unbounded);
  #again: Line<H> = createFairQueue<Held<H>>(unbounded);
  readonly #later = new DueTimes<Held<H>>();
  readonly #asked = new Map<Pair, Held<H>>();
  readonly #admitted = new Set<H>();
  #isTurnOfFresh = true;
  /** Called when there is something to ask that was not there before. */
  onFresh: () => void = () => undefined;

  constructor(options: BookOptions) {
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

  release(holder: H): void {
    const { namespace } = holder.subject;
    const tenant = this.#tenants.get(namespace);
    if (tenant === undefined) return;
    this.#admitted.delete(holder);
    tenant.waiting.delete(holder);
    for (const pair of tenant.held.get(holder)?.values() ?? []) this.#releaseOne(tenant, holder, pair);
    tenant.held.delete(holder);
    if (tenant.pairs.size === 0 && tenant.waiting.size === 0) this.#tenants.delete(namespace);
    else this.#admit(tenant);
  }

  /** Of a holder for whose pairs there is no room nothing is known: it would not be told when that changes. */
  verdict(holder: H, target: AccessTarget): Verdict {
    const tenant = this.#tenants.get(holder.subject.namespace);
    const held = tenant?.held.get(holder);
    const pair = held?.get(target) ?? (held && tenant?.pairs.get(pairKey(holder.subject, target)));
    return pair?.holders.has(holder) === true ? pair.standing.verdict : 'unknown';
  }

  /** Those for whose pairs there is room by now, once: what is known of them may be more than before. */
  takeAdmitted(): readonly H[] {
    const admitted = [...this.#admitted];
    this.#admitted.clear();
    return admitted;
  }

  /** Whether pairs of the namespace are not asked because there are too many. */
  isOver(namespace: string): boolean {
    return (this.#tenants.get(namespace)?.waiting.size ?? 0) > 0;
  }

  /** How many pairs there are of each verdict. */
  census(): Readonly<Record<Verdict, number>> {
    const counts = { allowed: 0, denied: 0, unknown: 0 };
    for (const { pairs } of this.#tenants.values())
      for (const { standing } of pairs.values()) counts[standing.verdict] += 1;
    return counts;
  }

  /** The pair whose turn it is: to be asked, and answered or put back. */
  next(now: number, mayAsk?: (namespace: string) => boolean): Pair | undefined {
    for (const pair of this.#later.take(now)) this.#line(this.#again, pair);
    const [first, second] = this.#isTurnOfFresh ? [this.#fresh, this.#again] : [this.#again, this.#fresh];
    const pair = first.next(mayAsk) ?? second.next(mayAsk);
    if (pair === undefined) return undefined;
    this.#isTurnOfFresh = !this.#isTurnOfFresh;
    this.#asked.set(pair, pair);
    return pair;
  }

  /** When there will be a pair to ask; undefined while there is none at all. */
  get nextAt(): number | undefined {
    return this.#fresh.size + this.#again.size > 0 ? 0 : this.#later.nextAt;
  }

  /** Those whose verdict is another one by this answer. None for a pair that nobody holds any more. */
  answer(pair: Pair, answer: Answer, moment: Omit<AnswerMoment, 'recheckMs'>): readonly H[] {
    const held = this.#asked.get(pair);
    this.#asked.delete(pair);
    if (held === undefined) return [];
    const before = held.standing.verdict;
    held.standing = foldAnswer(held.standing, answer, { ...moment, recheckMs: this.#options.recheckMs });
    this.#later.add(held);
    return held.standing.verdict === before ? [] : [...held.holders];
  }

  /** Denials of the namespace are about to have consequences that they did not have: they count as unknown until they are asked again. */
  doubtDenials(namespace: string): void {
    const pairs = [...(this.#tenants.get(namespace)?.pairs.values() ?? [])];
    const denied = pairs.filter(({ standing }) => standing.verdict === 'denied');
    for (const pair of denied) {
      pair.standing = unasked;
      this.#withdraw(pair);
      this.#line(this.#fresh, pair);
    }
    if (denied.length > 0) this.onFresh();
  }

  /** A term is over: what the next one knows, it has asked itself. What is still answered to this one is ignored. */
  forget(): readonly H[] {
    this.#fresh = createFairQueue<Held<H>>(unbounded);
    this.#again = createFairQueue<Held<H>>(unbounded);
    this.#asked.clear();
    const pairs = [...this.#tenants.values()].flatMap((tenant) => [...tenant.pairs.values()]);
    const known = pairs.filter(({ standing }) => standing.verdict !== 'unknown');
    for (const pair of pairs) {
      pair.standing = unasked;
      this.#later.remove(pair);
      this.#line(this.#fresh, pair);
    }
    return [...new Set(known.flatMap(({ holders }) => [...holders]))];
  }

  #tenantOf(namespace: string): Tenant<H> {
    const tenant = this.#tenants.get(namespace) ?? {
      pairs: new Map(),
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
      this.onFresh();
    }
  }

  #holdAll(tenant: Tenant<H>, holder: H): void {
    const pairs = holder.targets.map((target) => [target, this.#holdOne(tenant, holder, target)] as const);
    tenant.held.set(holder, new Map(pairs));
  }

  #holdOne({ pairs }: Tenant<H>, holder: H, target: AccessTarget): Held<H> {
    const key = pairKey(holder.subject, target);
    const known = pairs.get(key);
    const pair = known ?? new Held<H>(key, holder.subject, target);
    pair.holders.add(holder);
    if (known) return known;
    pairs.set(key, pair);
    this.#line(this.#fresh, pair);
    return pair;
  }

  #releaseOne({ pairs }: Tenant<H>, holder: H, pair: Held<H>): void {
    if (!pair.holders.delete(holder) || pair.holders.size > 0) return;
    pairs.delete(pair.key);
    this.#withdraw(pair);
  }

  /** Nothing is asked about it any more, and an answer on its way is ignored. */
  #withdraw(pair: Held<H>): void {
    this.#asked.delete(pair);
    this.#later.remove(pair);
    if (!this.#fresh.remove(pair)) this.#again.remove(pair);
  }

  #line(line: Line<H>, pair: Held<H>): void {
    const { namespace, name } = pair.subject;
    line.add({ namespace, pod: name }, pair);
  }
}

function pairKey({ name }: AccessSubject, target: AccessTarget): string {
  return `${name} ${accessTargetKey(target)}`;
}
