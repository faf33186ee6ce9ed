import { KubeError } from '@pod-identity/kit/kube';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import { createFakeLog } from '../apply/test/fake-log.ts';
import { assigned, rules, snapshot } from '../plan/test/builders.ts';
import { indexOf } from '../snapshot/test/cluster-snapshot.ts';
import { keepMirror, mostDelayMs, soonMs, walkMs } from './mirror-loop.ts';

const leftover = assigned({ name: 'leftover', podName: 'gone' });

function setUp(answer: () => Promise<void> | undefined = () => undefined) {
  const clock = createFakeClock();
  const ending = new AbortController();
  /** When each walk began, and whether it removes what nobody needs. */
  const walks: string[] = [];
  const removed: unknown[] = [];
  /** The responses to removals. */
  const gates: { hold?: Promise<undefined> } = {};
  const log = createFakeLog();
  const loop = keepMirror({
    mirror: {
      async walk(_signal, onLeftovers) {
        walks.push(`${clock.elapsed()}${onLeftovers ? ' removes' : ''}`);
        await onLeftovers?.([leftover]);
        await answer();
      },
    },
    assignments: {
      async apply(plan) {
        removed.push(...plan.steps);
        await gates.hold;
        return { unfinished: [] };
      },
    },
    index: indexOf(snapshot(), rules),
    term: ending,
    clock,
    random: () => 0.5,
    log,
  });
  let isReady = false;
  let isEnded = false;
  void loop.ready.then(() => (isReady = true));
  void loop.ended.then(() => (isEnded = true));
  return { clock, ending, walks, removed, gates, log, isReady: () => isReady, isEnded: () => isEnded };
}

test('lists at once, removes what nobody needs soon afterwards, and again every ten minutes', async () => {
  const { clock, walks, removed } = setUp();
  await clock.advance(soonMs + 2 * walkMs);
  const [second, third, fourth] = [soonMs, soonMs + walkMs, soonMs + 2 * walkMs];
  expect(walks).toEqual(['0', `${second} removes`, `${third} removes`, `${fourth} removes`]);
  expect(removed[0]).toEqual({ kind: 'delete', current: leftover, why: 'pod-gone' });
});

test('the first decision waits for the first list', async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const { clock, isReady } = setUp(() => promise);
  await clock.advance(mostDelayMs - 1);
  expect(isReady()).toBe(false);
  resolve(undefined);
  await clock.advance(0);
  expect(isReady()).toBe(true);
});

test('attack: a list that an editor makes long delays the first decision by ten seconds at most', async () => {
  const { clock, isReady, walks } = setUp(() => new Promise(() => undefined));
  await clock.advance(mostDelayMs);
  expect(isReady()).toBe(true);
  await clock.advance(10 * walkMs);
  expect(walks).toHaveLength(1);
});

test('a list that fails is tried again, at growing intervals, and told', async () => {
  let failures = 3;
  const { clock, walks, log } = setUp(() => {
    if ((failures -= 1) >= 0) throw new KubeError('unavailable', 'etcd is away');
  });
  await clock.advance(soonMs - 1);
  expect(walks).toHaveLength(4);
  expect(walks[1]).toContain('removes');
  expect(log.lines.filter(({ fields }) => fields['why'] === 'etcd is away')).toHaveLength(3);
});

test('a bug ends neither the loop nor the term', async () => {
  const { clock, walks, log, isEnded } = setUp(() => {
    throw new TypeError('bug');
  });
  await clock.advance(soonMs);
  expect([walks.length > 2, log.errors.length > 2, isEnded()]).toEqual([true, true, false]);
});

test('ends with the term, also before the first list', async () => {
  const { clock, ending, isReady, isEnded } = setUp(() => {
    throw new KubeError('unavailable', 'etcd is away');
  });
  await clock.advance(0);
  ending.abort();
  await clock.advance(0);
  expect([isReady(), isEnded()]).toEqual([true, true]);
});

test('a list that the end of the term breaks off is no failure', async () => {
  const { promise, reject } = Promise.withResolvers<undefined>();
  const { clock, ending, log, isEnded } = setUp(() => promise);
  await clock.advance(0);
  ending.abort();
  reject(new KubeError('aborted', 'aborted'));
  await clock.advance(0);
  expect([log.lines, isEnded()]).toEqual([[], true]);
});

test('ends after the response to a removal: MIC must not give its lease back before', async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const { clock, ending, removed, gates, isEnded } = setUp();
  gates.hold = promise;
  await clock.advance(soonMs);
  ending.abort();
  await clock.advance(walkMs);
  expect([removed.length, isEnded()]).toEqual([1, false]);
  resolve(undefined);
  await clock.advance(0);
  expect(isEnded()).toBe(true);
});

test('ends with the term between two walks', async () => {
  const { clock, ending, walks, isEnded } = setUp();
  await clock.advance(0);
  ending.abort();
  await clock.advance(soonMs);
  expect([walks.length, isEnded()]).toEqual([1, true]);
});
