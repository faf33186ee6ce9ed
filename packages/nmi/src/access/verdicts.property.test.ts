// No token after a right has ended: random histories of rights, outages and uses, compared with the answers that were possible.
import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { accessPair } from '../../test/builders.ts';
import { createVerdicts } from './verdicts.ts';

type Api = 'allows' | 'denies' | 'refuses' | 'hangs' | 'is-slow';
type Step =
  | { readonly kind: 'api'; readonly api: Api; readonly isAllowed: boolean }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'use' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('api' as const),
    api: fc.constantFrom<Api>('allows', 'denies', 'refuses', 'hangs', 'is-slow'),
    isAllowed: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 20_000 }) }),
  fc.constant({ kind: 'use' as const }),
  fc.constant({ kind: 'use' as const }),
);

interface Span {
  readonly from: number;
  readonly api: Api;
  readonly isAllowed: boolean;
}

/** The answer that the API server could give in this span; undefined: none. */
const toldBy = ({ api, isAllowed }: Span): boolean | undefined => {
  if (api === 'allows') return true;
  if (api === 'denies') return false;
  return api === 'is-slow' ? isAllowed : undefined;
};

const spansWithin = (spans: readonly Span[], from: number, until: number): readonly Span[] =>
  spans.filter((span, index) => span.from <= until && (spans[index + 1]?.from ?? Infinity) >= from);

function answerOf(span: Span, clock: FakeClock): Promise<boolean> {
  switch (span.api) {
    case 'allows':
      return Promise.resolve(true);
    case 'denies':
      return Promise.resolve(false);
    case 'refuses':
      return Promise.reject(new Error('503'));
    case 'hangs':
      return new Promise(() => undefined);
    case 'is-slow':
      return clock.sleep(2_500).then(() => span.isAllowed);
  }
}

async function play(steps: readonly Step[], ages: { maxAgeMs: number; graceMs: number }): Promise<void> {
  const clock = createFakeClock(1_000_000);
  const spans: Span[] = [{ from: clock.now(), api: 'allows', isAllowed: true }];
  const now = () => spans.at(-1) ?? { from: 0, api: 'denies' as const, isAllowed: false };
  // The last answer received.
  let heard: { readonly isAllowed: boolean } | undefined;
  const verdicts = createVerdicts({
    ...ages,
    clock,
    reviewUse: async () => {
      const isAllowed = await answerOf(now(), clock);
      heard = { isAllowed };
      return isAllowed;
    },
    onReviewed: () => undefined,
  });
  const pair = accessPair({ names: 1 });
  const tenant = { namespace: 'pay', pod: 'uid' };
  const broken: string[] = [];
  const check = (verdict: string | undefined) => {
    if (verdict !== 'allowed') return;
    const at = clock.now();
    const recent = spansWithin(spans, at - ages.maxAgeMs, at);
    if (recent.every((span) => toldBy(span) === false)) broken.push(`${at}: denied for the maximum age`);
    const positive = spansWithin(spans, at - Math.max(ages.maxAgeMs, ages.graceMs), at);
    if (!positive.some((span) => toldBy(span) === true)) broken.push(`${at}: not allowed within the grace`);
    if (heard?.isAllowed !== true) broken.push(`${at}: the last answer was a denial`);
  };
  for (const one of steps) {
    if (one.kind === 'api') spans.push({ ...one, from: clock.now() });
    else if (one.kind === 'pass') await clock.advance(one.ms);
    else {
      check(verdicts.known(pair, tenant));
      void verdicts.verdict(pair, tenant).then(check);
      await clock.advance(0);
    }
  }
  await clock.advance(30_000);
  expect(broken).toEqual([]);
}

it('never allows what the API server has denied for the maximum age, or has not allowed within the grace', async () => {
  const ages = fc.constantFrom(
    { maxAgeMs: 15_000, graceMs: 600_000 },
    { maxAgeMs: 15_000, graceMs: 30_000 },
    { maxAgeMs: 15_000, graceMs: 0 },
    { maxAgeMs: 5_000, graceMs: 60_000 },
  );
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), ages, play), { numRuns: 400 });
});
