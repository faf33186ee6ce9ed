import type { NamesReview } from '@pod-identity/policy';
import type { AccessTarget } from '@pod-identity/crd-types';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PairRegistry, type Holder, type Pair } from './pair-registry.ts';
import type { PairVerdict } from './pair-verdict.ts';

const perNamespace = 3;
const subjects = [
  { namespace: 'a', name: '1' },
  { namespace: 'a', name: '2' },
  { namespace: 'b', name: '1' },
];
const target = (name: string): AccessTarget => ({ resource: 'applications', names: [name] });
const holders: readonly Holder[] = subjects.flatMap((subject) =>
  [['x'], ['x', 'y'], ['z']].map((names) => ({ subject, targets: names.map(target) })),
);
const answers: readonly NamesReview[] = [
  { kind: 'allowed', level: 0 },
  { kind: 'refused' },
  { kind: 'unanswered' },
];

/** The book, and the verdicts as a caller sees them that reads only new holders and holders that the book returns. */
class Scene {
  readonly #book = new PairRegistry({ pairsPerNamespace: perNamespace, recheckMs: 300_000 });
  readonly #held = new Set<Holder>();
  readonly #known = new Map<string, PairVerdict>();
  #asked: Pair[] = [];
  #now = 0;

  hold(holder: Holder): void {
    if (this.#held.has(holder)) return;
    this.#held.add(holder);
    this.#book.hold(holder);
    this.#look([holder]);
  }

  release(holder: Holder): void {
    if (this.#held.delete(holder)) this.#book.release(holder);
  }

  ask(): void {
    const pair = this.#book.next(this.#now);
    if (pair) this.#asked.push(pair);
  }

  answer(which: number, result: NamesReview): void {
    const [pair] = this.#asked.splice(which % Math.max(1, this.#asked.length), 1);
    if (pair) this.#look(this.#book.record(pair, result, { now: this.#now, chance: 0.5 }));
  }

  pass(ms: number): void {
    this.#now += ms;
  }

  forget(): void {
    this.#look(this.#book.forget());
  }

  check(): void {
    this.#look(this.#book.takeAdmitted());
    const seen = this.#pairs().map(([id, holder, one]) => [id, this.#book.verdict(holder, one)]);
    expect(seen).toEqual(this.#pairs().map(([id]) => [id, this.#known.get(id)]));
    const { allowed, denied, unknown } = this.#book.census();
    // The last holder that fits may add two pairs.
    expect(allowed + denied + unknown).toBeLessThanOrEqual(2 * (perNamespace + 1));
  }

  /** Each held pair that has room is asked eventually. */
  checkAllAsked(): void {
    this.forget();
    const asked = new Set<string>();
    for (let pair = this.#book.next(this.#now); pair; pair = this.#book.next(this.#now))
      asked.add(JSON.stringify([pair.subject, pair.target]));
    const due = this.#pairs().filter(([, holder]) => !this.#book.waits(holder));
    for (const [, { subject }, one] of due) expect(asked).toContain(JSON.stringify([subject, one]));
  }

  #look(some: Iterable<Holder>): void {
    const looked = new Set(some);
    for (const [id, holder, one] of this.#pairs())
      if (looked.has(holder)) this.#known.set(id, this.#book.verdict(holder, one));
  }

  #pairs(): (readonly [string, Holder, AccessTarget])[] {
    return [...this.#held].flatMap((holder) =>
      holder.targets.map((one) => [`${holders.indexOf(holder)} ${one.names[0]}`, holder, one] as const),
    );
  }
}

const someone = fc.constantFrom(...holders);
const operation = fc.oneof(
  someone.map((holder) => (scene: Scene) => scene.hold(holder)),
  someone.map((holder) => (scene: Scene) => scene.release(holder)),
  fc.constant((scene: Scene) => scene.ask()),
  fc.tuple(fc.nat(5), fc.constantFrom(...answers)).map(
    ([which, result]) =>
      (scene: Scene) =>
        scene.answer(which, result),
  ),
  fc.nat(400_000).map((ms) => (scene: Scene) => scene.pass(ms)),
  fc.constant((scene: Scene) => scene.forget()),
);

test('whoever looks at a holder when the book names it knows all verdicts; the bound of each namespace holds; nothing is lost', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const scene = new Scene();
      for (const run of operations) {
        run(scene);
        scene.check();
      }
      scene.checkAllAsked();
    }),
  );
});
