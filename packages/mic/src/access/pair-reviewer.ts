// Reviews the pairs of the registry during a term, at a limited rate and with a limit per namespace for reviews
// in progress.
import { aborted, createSums, createTokenBucket, type Timer, type TokenBucket } from '@pod-identity/kit/core';
import { KubeError, subjectOf, type AccessReviewer, type LeaderTerm } from '@pod-identity/kit/kube';
import type { Ambient } from '@pod-identity/kit/serve';
import { reviewNames, useRight, type NamesReview } from '@pod-identity/policy';
import type { PairRegistry, Holder, Pair } from './pair-registry.ts';

export interface ReviewerPorts<H extends Holder> extends Ambient {
  readonly registry: PairRegistry<H>;
  readonly reviewer: AccessReviewer;
  readonly term: LeaderTerm;
  /** Resolves once the API server has refused an invented user, so that its reviews mean something. Called when there is a pair. */
  readonly proven: () => Promise<void>;
  /** Called with holders whose verdicts have changed. */
  readonly onChanged: (holders: readonly H[]) => void;
  readonly onReview: (result: ReviewResult) => void;
}

/** The result of one review of one name. */
export type ReviewResult = 'allowed' | 'refused' | 'unanswered';

/** Limits for reviews, and for the pairs of one namespace in progress. */
const reviewsPerSecond = 250;
const pairsAtOnce = 8;
const pairsOfNamespaceAtOnce = 3;

/** Changed verdicts are passed on together, so that a pod with a hundred identities is planned for several results at once. */
const gatherMs = 50;

/** Resolves when the term is over and no review is in progress. */
export async function reviewPairs<H extends Holder>(ports: ReviewerPorts<H>): Promise<void> {
  const { signal } = ports.term;
  const over = aborted(signal);
  const ready = anyPair(ports.registry).then(() => ports.proven());
  const isReady = await Promise.race([ready.then(() => true), over.then(() => false)]);
  if (!isReady) return;
  const reviewer = new PairReviewer(ports);
  reviewer.start();
  await over;
  await reviewer.stop();
}

/** In mode `namespace` there are no pairs, and nothing is reviewed. */
function anyPair(registry: Pick<PairRegistry, 'nextAt' | 'onFresh'>): Promise<void> {
  return new Promise((resolve) => {
    if (registry.nextAt === undefined) registry.onFresh = resolve;
    else resolve();
  });
}

class PairReviewer<H extends Holder> {
  readonly #ports: ReviewerPorts<H>;
  readonly #bucket: TokenBucket;
  readonly #underWay = new Set<Promise<void>>();
  readonly #ofNamespace = createSums<string>();
  readonly #changed = new Set<H>();
  #gathering: Timer | undefined;
  #timer: Timer | undefined;
  #isPumpDue = false;
  #trouble: string | undefined;

  constructor(ports: ReviewerPorts<H>) {
    this.#ports = ports;
    this.#bucket = createTokenBucket({
      capacity: reviewsPerSecond,
      refillPerMs: reviewsPerSecond / 1_000,
      now: ports.clock.elapsed(),
    });
  }

  start(): void {
    this.#ports.registry.onFresh = () => this.#pumpSoon();
    this.#pump();
  }

  async stop(): Promise<void> {
    const { registry } = this.#ports;
    registry.onFresh = () => undefined;
    this.#timer?.cancel();
    this.#gathering?.cancel();
    for (const holder of registry.forget()) this.#changed.add(holder);
    this.#pass();
    await Promise.all(this.#underWay);
  }

  /** One change can bring many holders: they are handled together. */
  #pumpSoon(): void {
    if (this.#isPumpDue) return;
    this.#isPumpDue = true;
    queueMicrotask(() => {
      this.#isPumpDue = false;
      this.#pump();
    });
  }

  #pump(): void {
    const { registry, clock } = this.#ports;
    this.#timer?.cancel();
    if (this.#isOver()) return;
    this.#report(registry.takeAdmitted());
    const mayReview = (namespace: string) => this.#ofNamespace.of(namespace) < pairsOfNamespaceAtOnce;
    const now = clock.elapsed();
    while (this.#underWay.size < pairsAtOnce) {
      const pair = registry.next(now, mayReview);
      if (pair === undefined) break;
      this.#begin(pair);
    }
    const { nextAt } = registry;
    if (this.#underWay.size === 0) this.#pass();
    // At the limit, the end of a review calls #pump again.
    if (nextAt === undefined || this.#underWay.size >= pairsAtOnce) return;
    // Compared with the time used above: pairs that became due since then have not been taken yet.
    if (nextAt > now) this.#timer = clock.after(nextAt - now, () => this.#pump());
  }

  #begin(pair: Pair): void {
    const { namespace } = pair.subject;
    this.#ofNamespace.add(namespace, 1);
    const done = this.#reviewPair(pair).finally(() => {
      this.#underWay.delete(done);
      this.#ofNamespace.add(namespace, -1);
      this.#pump();
    });
    this.#underWay.add(done);
  }

  async #reviewPair(pair: Pair): Promise<void> {
    const { registry, clock, random } = this.#ports;
    const result = await this.#resultOf(pair);
    // The new leader makes its own reviews.
    if (this.#isOver()) return;
    this.#report(registry.record(pair, result, { now: clock.elapsed(), chance: random() }));
  }

  #resultOf(pair: Pair): Promise<NamesReview> {
    return reviewNames(pair.target, pair.state.level, async (name) => {
      const result = await this.#review(pair, name);
      this.#ports.onReview(result);
      return result === 'unanswered' ? undefined : result === 'allowed';
    });
  }

  async #review({ subject, target: { resource } }: Pair, name: string): Promise<ReviewResult> {
    const { reviewer, clock, term } = this.#ports;
    const { signal } = term;
    try {
      for (let ms = this.#take(); ms > 0; ms = this.#take()) await clock.sleep(ms, signal);
      const user = subjectOf(subject.namespace, subject.name);
      const isAllowed = await reviewer.review({ ...useRight, subject: user, resource, name }, signal);
      this.#note(undefined);
      return isAllowed ? 'allowed' : 'refused';
    } catch (error) {
      if (!signal.aborted) this.#note(error);
      return 'unanswered';
    }
  }

  #isOver(): boolean {
    const { term } = this.#ports;
    return term.signal.aborted || !term.holds();
  }

  #take(): number {
    return this.#bucket.take(this.#ports.clock.elapsed());
  }

  /** The first change is passed on at once. */
  #report(holders: readonly H[]): void {
    for (const holder of holders) this.#changed.add(holder);
    if (this.#gathering !== undefined || !this.#pass()) return;
    const next = () => {
      this.#gathering = this.#pass() ? this.#ports.clock.after(gatherMs, next) : undefined;
    };
    this.#gathering = this.#ports.clock.after(gatherMs, next);
  }

  /** Returns whether there was anything. */
  #pass(): boolean {
    const holders = [...this.#changed];
    this.#changed.clear();
    if (holders.length > 0) this.#ports.onChanged(holders);
    return holders.length > 0;
  }

  /** Logs each change of the kind of failure, and its end. */
  #note(error: unknown): void {
    const { log } = this.#ports;
    const trouble = error === undefined ? undefined : error instanceof KubeError ? error.code : 'unexpected';
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    if (trouble === undefined) log.info({}, 'the API server answers again who may use which identity');
    else if (error instanceof KubeError)
      log.warn(
        { why: error.message },
        'the API server does not say who may use which identity: what is attached stays, and nothing is added',
      );
    else log.error({ error }, 'reviews of rights fail');
  }
}
