// Random histories of bindings, rights and the API server, during which a pod that is fresh at first asks for tokens, at the default settings.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { binding, identity, record, type World } from '../../test/builders.ts';
import { bindingGraceMs, holdMs, startWaiting } from '../../test/waiting-stage.ts';
import { longestForMissingMs } from '../authorize/grace.ts';
import type { Outcome } from '../respond/outcome.ts';

const names = ['a', 'b'] as const;
type Name = (typeof names)[number];
const identities = names.map((name) => identity({ name }));

interface State {
  readonly bound: ReadonlySet<Name>;
  readonly allowed: ReadonlySet<Name>;
  readonly isAssigned: boolean;
  readonly api: 'answers' | 'fails' | 'hangs';
}
type Step =
  | { readonly kind: 'become'; readonly change: (state: State) => State }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'use' };

const toggled = (set: ReadonlySet<Name>, name: Name) =>
  new Set(names.filter((one) => set.has(one) !== (one === name)));
const aName = fc.constantFrom(...names);
const become = (change: fc.Arbitrary<(state: State) => State>) =>
  change.map((change): Step => ({ kind: 'become', change }));
const use: fc.Arbitrary<Step> = fc.constant({ kind: 'use' });
const step: fc.Arbitrary<Step> = fc.oneof(
  become(aName.map((name) => (state) => ({ ...state, bound: toggled(state.bound, name) }))),
  become(aName.map((name) => (state) => ({ ...state, allowed: toggled(state.allowed, name) }))),
  become(fc.constant((state) => ({ ...state, isAssigned: !state.isAssigned }))),
  become(
    fc
      .constantFrom<State['api']>('answers', 'answers', 'answers', 'fails', 'hangs')
      .map((api) => (state) => ({ ...state, api })),
  ),
  fc.integer({ min: 1, max: 12_000 }).map((ms): Step => ({ kind: 'pass', ms })),
  fc.integer({ min: 1, max: 12_000 }).map((ms): Step => ({ kind: 'pass', ms })),
  use,
  use,
);

const worldOf = ({ bound, isAssigned }: State): World => ({
  identities,
  bindings: [...bound].map((name) => binding(name)),
  records: isAssigned ? identities.map((one) => record(one, 'Assigned')) : [],
});

interface Used {
  readonly outcome: Outcome;
  readonly from: number;
  readonly at: number;
}
interface Span {
  readonly from: number;
  readonly state: State;
}

/** Of reviews and requests to the metadata service; both take 50 ms each. */
const slackMs = 1_000;
/** How long a denied right is not reviewed again. */
const denialMs = 5_000;

interface Past {
  readonly spans: readonly Span[];
  readonly startedAt: number;
}

/** What held from then until the outcome. */
function since(start: number, { at }: Used, { spans }: Past): readonly State[] {
  return spans
    .filter((span, index) => span.from <= at && (spans[index + 1]?.from ?? Infinity) >= start)
    .map(({ state }) => state);
}

/** What must not be. */
function wrongIn(used: Used, past: Past): string | undefined {
  const { outcome, from, at } = used;
  const isHealthy = since(from - 30_000, used, past).every(({ api }) => api === 'answers');
  const longestMs = holdMs + slackMs + (isHealthy ? 0 : 2 * 9_000);
  if (at - from > longestMs) return `an answer after ${at - from} ms`;
  const isFresh = at - past.startedAt < bindingGraceMs;
  if (isFresh && outcome.kind === 'denied' && outcome.denial.why !== 'several-identities')
    return `a final refusal of a fresh pod: ${outcome.denial.why}`;
  return isHealthy ? wrongWhileHealthy(used, past) : undefined;
}

function wrongWhileHealthy(used: Used, past: Past): string | undefined {
  const { outcome, from, at } = used;
  if (outcome.kind === 'access-unanswered') return 'no answer of an API server that answers';
  const isUnbound = outcome.kind === 'not-assigned' && outcome.seen === 'unbound';
  if (isUnbound && at - from < longestForMissingMs) return `told after ${at - from} ms`;
  const lately = since(at - denialMs - slackMs, used, past);
  const only = names.find((name) => lately.every(({ bound }) => bound.size === 1 && bound.has(name)));
  const mayUse = only !== undefined && lately.every(({ allowed }) => allowed.has(only));
  return mayUse && outcome.kind !== 'token' ? `${outcome.kind} instead of a token of ${only}` : undefined;
}

async function play({
  steps,
  age,
}: {
  readonly steps: readonly Step[];
  readonly age: number;
}): Promise<void> {
  let state: State = { bound: new Set(['a']), allowed: new Set(), isAssigned: true, api: 'answers' };
  const stage = startWaiting({ world: worldOf(state), acceptedAt: -age });
  const { clock, cluster } = stage;
  const startedAt = clock.now() - age;
  const spans: Span[] = [{ from: -Infinity, state }];
  const used: { readonly from: number; readonly end: ReturnType<typeof stage.ask> }[] = [];
  for (const one of steps) {
    if (one.kind === 'pass') await clock.advance(one.ms);
    else if (one.kind === 'use') used.push({ from: clock.now(), end: stage.ask() });
    else {
      state = one.change(state);
      spans.push({ from: clock.now(), state });
      stage.state.allowed = state.allowed;
      stage.state.api = state.api;
      cluster.change(worldOf(state));
    }
    await clock.advance(0);
  }
  await clock.advance(120_000);
  const wrong = used.map(({ from, end: { outcome, afterMs = 0 } }) =>
    outcome ? wrongIn({ outcome, from, at: from + afterMs }, { spans, startedAt }) : 'no answer',
  );
  expect(wrong.filter((one) => one !== undefined)).toEqual([]);
}

it('in no history a fresh pod is refused for good, a right or a binding that has come is overlooked, or an answer late', async () => {
  const history = fc.record({
    steps: fc.array(step, { minLength: 5, maxLength: 50 }),
    age: fc.constantFrom(0, 20_000, 50_000, 3_600_000),
  });
  await fc.assert(fc.asyncProperty(history, play), { numRuns: 400 });
});
