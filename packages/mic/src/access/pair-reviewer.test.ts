import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';
import type { AccessTarget } from '@pod-identity/crd-types';
import { KubeError } from '@pod-identity/kit/kube';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { createFakeLog } from '../apply/test/fake-log.ts';
import { reviewPairs, type ReviewResult } from './pair-reviewer.ts';
import { PairRegistry, type Holder } from './pair-registry.ts';
import { FakeReviewer, noAnswer } from './test/fake-reviewer.ts';

const target = (name: string): AccessTarget => ({
  resource: 'managedidentities',
  names: [name, 'group', 'subscription'],
});
const holderOf = (subject: string, ...names: readonly string[]): Holder => {
  const [namespace = '', name = ''] = subject.split('/');
  return { subject: { namespace, name }, targets: names.map(target) };
};

/** A clock as on a busy machine: timers fire late, and time passes between two reads of the clock. */
function unevenClock(clock: FakeClock, lateMs: number): FakeClock {
  let last = 0;
  let looks = 0;
  return {
    ...clock,
    elapsed: () => {
      const now = clock.elapsed();
      looks = now === last ? looks + 1 : 0;
      last = now;
      return now + looks * 0.3;
    },
    after: (ms, run) => clock.after(ms + lateMs, run),
  };
}

function setUp({
  proven = Promise.resolve(),
  pairsPerNamespace = 10_000,
  clock = createFakeClock(),
}: { proven?: Promise<void>; pairsPerNamespace?: number; clock?: FakeClock } = {}) {
  const reviewer = new FakeReviewer();
  const registry = new PairRegistry({ pairsPerNamespace, recheckMs: 300_000 });
  const ending = new AbortController();
  const log = createFakeLog();
  const changed: Holder[] = [];
  const results: ReviewResult[] = [];
  let holds = true;
  const running = reviewPairs({
    registry,
    reviewer,
    term: { signal: ending.signal, holds: () => holds },
    clock,
    random: () => 1,
    log,
    proven: () => proven,
    onChanged: (holders) => changed.push(...holders),
    onReview: (result) => results.push(result),
  });
  onTestFinished(async () => {
    ending.abort();
    await running;
  });
  const verdict = (holder: Holder, name = 'a') => registry.verdict(holder, target(name));
  return {
    clock,
    reviewer,
    registry,
    log,
    changed,
    results,
    verdict,
    running,
    end: () => ending.abort(),
    lapse: () => (holds = false),
  };
}

describe('a pair', () => {
  it('is asked by its narrowest name first, and allowed by any', async () => {
    const { clock, reviewer, registry, changed, verdict, results } = setUp();
    const holder = holderOf('shop/web', 'a');
    reviewer.say('shop/web', 'group', true);
    registry.hold(holder);
    await clock.advance(0);
    expect(reviewer.asked).toEqual(['shop/web a', 'shop/web group']);
    expect([verdict(holder), changed, results]).toEqual(['allowed', [holder], ['refused', 'allowed']]);
  });

  it('is asked again by the name that allowed it last, alone', async () => {
    const { clock, reviewer, registry } = setUp();
    reviewer.say('shop/web', 'group', true);
    registry.hold(holderOf('shop/web', 'a'));
    await clock.advance(300_000);
    expect(reviewer.asked.slice(2)).toEqual(['shop/web group']);
  });

  it('is asked by all names before it is denied', async () => {
    const { clock, reviewer, registry, verdict } = setUp();
    const holder = holderOf('shop/web', 'a');
    registry.hold(holder);
    await clock.advance(0);
    expect(reviewer.asked).toEqual(['shop/web a', 'shop/web group', 'shop/web subscription']);
    expect(verdict(holder)).toBe('denied');
  });
});

test.each([-0.4, -0.2, 0, 0.2, 0.4])(
  'a pair is asked again when it becomes due between two looks at the clock (timers %d ms late)',
  async (lateMs) => {
    const clock = unevenClock(createFakeClock(), lateMs);
    const { reviewer, registry, verdict } = setUp({ clock });
    const holder = holderOf('shop/web', 'a');
    registry.hold(holder);
    await clock.advance(1_000);
    reviewer.say('shop/web', 'a', true);
    await clock.advance(20_000);
    expect(verdict(holder)).toBe('allowed');
  },
);

describe('a right that pods wait for', () => {
  const waiting = (registry: PairRegistry, subject: string) => {
    const holder = holderOf(subject, 'a');
    registry.hold(holder);
    registry.await(holder);
    return holder;
  };
  const minuteMs = 60_000;

  it('costs as much with a thousand new pods of its ServiceAccount as with one', async () => {
    const { clock, reviewer, registry } = setUp();
    const holder = waiting(registry, 'shop/web');
    for (let pods = 1; pods < 1_000; pods += 1) {
      registry.await(holder);
      await clock.advance(60);
    }
    // Three names every 10 s.
    expect(reviewer.asked.length).toBeLessThanOrEqual(3 * 7);
    expect(reviewer.asked.length).toBeGreaterThanOrEqual(3 * 5);
  });

  it('of a thousand ServiceAccounts of a namespace costs 50 reviews a second, and others do not wait for them', async () => {
    const { clock, reviewer, registry, verdict } = setUp();
    for (let index = 0; index < 1_000; index += 1) waiting(registry, `evil/sa-${index}`);
    const holder = waiting(registry, 'shop/web');
    await clock.advance(2 * minuteMs);
    const before = reviewer.asked.length;
    await clock.advance(minuteMs);
    expect((reviewer.asked.length - before) / 60).toBeLessThanOrEqual(51);
    expect((reviewer.asked.length - before) / 60).toBeGreaterThanOrEqual(40);
    reviewer.say('shop/web', 'a', true);
    await clock.advance(11_000);
    expect(verdict(holder)).toBe('allowed');
  });

  it('is found as soon if a thousand others of the namespace were allowed', async () => {
    const { clock, reviewer, registry, verdict } = setUp();
    const holder = waiting(registry, 'shop/web');
    for (let index = 0; index < 1_000; index += 1) {
      reviewer.say(`shop/sa-${index}`, 'a', true);
      waiting(registry, `shop/sa-${index}`);
    }
    await clock.advance(minuteMs);
    reviewer.say('shop/web', 'a', true);
    await clock.advance(11_000);
    expect(verdict(holder)).toBe('allowed');
  });

  it('is found as soon in the next term', async () => {
    const { clock, reviewer, registry, verdict } = setUp();
    const holder = waiting(registry, 'shop/web');
    await clock.advance(minuteMs);
    registry.forget();
    registry.onFresh();
    await clock.advance(minuteMs);
    reviewer.say('shop/web', 'a', true);
    await clock.advance(11_000);
    expect(verdict(holder)).toBe('allowed');
  });
});

describe('a right that is withdrawn', () => {
  it.each([
    ['is not answered', noAnswer],
    ['is answered with what is no verdict', new KubeError('invalid', 'no SubjectAccessReview')],
    ['is throttled', new KubeError('throttled', 'slow down', { status: 429 })],
    ['is forbidden', new KubeError('denied', 'MIC may not ask', { status: 403 })],
  ])('does not fall for a question that %s, for hours', async (_, result) => {
    const { clock, reviewer, registry, verdict, changed, log } = setUp();
    const holder = holderOf('shop/web', 'a');
    reviewer.say('shop/web', 'a', true);
    registry.hold(holder);
    await clock.advance(1_000);
    for (const name of ['a', 'group', 'subscription']) reviewer.say('shop/web', name, result);
    await clock.advance(7_200_000);
    expect([verdict(holder), changed.length]).toEqual(['allowed', 1]);
    // One question a minute, and one log line.
    expect(reviewer.asked.length).toBeLessThan(140);
    expect(log.lines.map(({ level }) => level)).toEqual(['warn']);
    reviewer.say('shop/web', 'a', false);
    for (const name of ['group', 'subscription']) reviewer.say('shop/web', name, false);
    await clock.advance(70_000);
    expect([verdict(holder), log.lines.map(({ level }) => level)]).toEqual(['denied', ['warn', 'info']]);
  });

  it('that is unanswered at a wider name is not refused: somebody may hold that one', async () => {
    const { clock, reviewer, registry, verdict } = setUp();
    const holder = holderOf('shop/web', 'a');
    reviewer.say('shop/web', 'group', noAnswer);
    registry.hold(holder);
    await clock.advance(60_000);
    expect(verdict(holder)).toBe('unknown');
  });
});

describe('a storm of pairs', () => {
  const storm = (registry: PairRegistry, namespace: string, count: number) => {
    for (let index = 0; index < count; index += 1) registry.hold(holderOf(`${namespace}/sa-${index}`, 'a'));
  };

  it('whose questions hang does not hold up the pair of another', async () => {
    const { clock, reviewer, registry, verdict } = setUp();
    const go = reviewer.hold();
    storm(registry, 'evil', 100);
    await clock.advance(0);
    expect(reviewer.open).toBe(3);
    const holder = holderOf('shop/web', 'a');
    registry.hold(holder);
    await clock.advance(0);
    expect(reviewer.asked).toContain('shop/web a');
    go();
    await clock.advance(60_000);
    expect(verdict(holder)).toBe('denied');
  });

  it('of many namespaces is asked a few at a time, and so many a second', async () => {
    const { clock, reviewer, registry } = setUp();
    for (let index = 0; index < 100; index += 1) storm(registry, `ns-${index}`, 50);
    await clock.advance(4_000);
    // The burst plus the refill of four seconds.
    expect(reviewer.asked.length).toBeLessThanOrEqual(1_250);
    expect(reviewer.asked.length).toBeGreaterThan(1_000);
    expect(reviewer.mostOpen).toBeLessThanOrEqual(8);
  });

  it('that is over the bound of its namespace is asked as pairs of it go', async () => {
    const { clock, registry, changed, reviewer } = setUp({ pairsPerNamespace: 1 });
    const [first, second] = [holderOf('evil/1', 'a'), holderOf('evil/2', 'a')];
    reviewer.say('evil/2', 'a', true);
    registry.hold(first);
    registry.hold(second);
    await clock.advance(0);
    expect(changed).toEqual([first]);
    registry.release(first);
    await clock.advance(50);
    expect(changed).toEqual([first, second]);
    expect(registry.verdict(second, target('a'))).toBe('allowed');
  });
});

test('verdicts that change one after another are passed on together', async () => {
  const clock = createFakeClock();
  const { registry, reviewer, changed } = setUp({ clock });
  const names = Array.from({ length: 100 }, (_, number) => `id-${number}`);
  const holder = holderOf('shop/web', ...names);
  for (const name of names) reviewer.say('shop/web', name, true);
  registry.hold(holder);
  await clock.advance(50);
  expect(changed).toEqual([holder, holder]);
  expect(names.map((name) => registry.verdict(holder, target(name)))).toEqual(names.map(() => 'allowed'));
});

describe('a term', () => {
  it('asks nothing until the API server has refused somebody', async () => {
    const proof = Promise.withResolvers<undefined>();
    const { clock, reviewer, registry } = setUp({ proven: proof.promise.then(() => undefined) });
    registry.hold(holderOf('shop/web', 'a'));
    await clock.advance(600_000);
    expect(reviewer.asked).toEqual([]);
    proof.resolve(undefined);
    await clock.advance(0);
    expect(reviewer.asked).toHaveLength(3);
  });

  it('that is over asks nothing more, forgets what it knew, and takes no answer in', async () => {
    const { clock, reviewer, registry, changed, verdict, running, end } = setUp();
    const [known, late] = [holderOf('shop/web', 'a'), holderOf('shop/late', 'a')];
    reviewer.say('shop/web', 'a', true);
    reviewer.say('shop/late', 'a', true);
    registry.hold(known);
    await clock.advance(0);
    const go = reviewer.hold();
    registry.hold(late);
    await clock.advance(0);
    end();
    expect(verdict(known)).toBe('allowed');
    await clock.advance(0);
    go();
    await running;
    await clock.advance(900_000);
    expect([verdict(known), verdict(late), clock.pending]).toEqual(['unknown', 'unknown', 0]);
    expect(changed).toEqual([known, known]);
    expect(reviewer.asked).toHaveLength(2);
    registry.hold(holderOf('shop/new', 'a'));
    await clock.advance(0);
    expect(reviewer.asked).toHaveLength(2);
  });

  it('whose lease has run out takes no answer in and asks nothing more', async () => {
    const { clock, reviewer, registry, changed, lapse } = setUp();
    reviewer.say('shop/web', 'a', true);
    const go = reviewer.hold();
    registry.hold(holderOf('shop/web', 'a'));
    await clock.advance(0);
    lapse();
    go();
    await clock.advance(900_000);
    expect([changed, reviewer.asked.length]).toEqual([[], 1]);
  });

  it('that is over before the API server has refused anybody ends', async () => {
    const { running, end } = setUp({ proven: new Promise<void>(() => undefined) });
    end();
    await running;
  });
});

test('a bug in what answers is logged, and counts as no answer', async () => {
  const { clock, reviewer, registry, log, verdict } = setUp();
  const bug = new TypeError('bug');
  const holder = holderOf('shop/web', 'a');
  reviewer.say('shop/web', 'a', bug);
  registry.hold(holder);
  await clock.advance(60_000);
  expect([verdict(holder), log.errors]).toEqual(['unknown', [{ error: bug }]]);
});
