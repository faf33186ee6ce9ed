import type { Host } from '@pod-identity/crd-types';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import { assignment } from '../plan/test/assignment.ts';
import { assigned, facts, hostOf, idlePlan, instanceOf, now } from '../plan/test/builders.ts';
import type { AssignmentStep } from '../plan/types.ts';
import { keyOf } from '../snapshot/keys.ts';
import type { AssignedView } from '../snapshot/views.ts';
import { createAssignmentsApplier, type HeldSteps, type StepResult } from './apply-assignments.ts';
import type { WriteOutcome } from './assigned-identity-writer.ts';
import { createHostMemory } from './memory.ts';

const host: Host = hostOf(instanceOf('vmss1'));
const there = facts(host, ['reader']);
const objectKey = 'default/web-0-shop-reader';
const current = assigned();

const wanted = assignment({ key: 'the-key' });
const steps = {
  create: { kind: 'create', assignment: wanted },
  update: { kind: 'update', assignment: wanted, current },
  confirm: { kind: 'confirm', assignment: wanted, current },
  delete: { kind: 'delete', current, why: 'pod-gone' },
} satisfies Record<string, AssignmentStep>;

/** A writer that takes 7 ms for each write and returns a given outcome. */
function setUp() {
  const clock = createFakeClock(now);
  const world = {
    answer: { kind: 'written', resourceVersion: '2' } as WriteOutcome,
    known: current as AssignedView | undefined,
    exists: true,
  };
  const reported: StepResult[] = [];
  const mirrored: string[] = [];
  const called: string[] = [];
  const timeNow = () => clock.now();
  const write = (name: string) => () => {
    called.push(name);
    return clock.sleep(7).then(() => world.answer);
  };
  const applier = createAssignmentsApplier({
    writer: {
      create: write('create'),
      update: write('update'),
      confirm: write('confirm'),
      remove: write('delete'),
    },
    mirror: {
      at: (key) => (key === objectKey ? world.known : undefined),
      wrote: (view) => void mirrored.push(`${keyOf(view)}: ${view.state}`),
      removed: (view) => void mirrored.push(`${keyOf(view)}: removed`),
      look: (key) => {
        mirrored.push(`look at ${key}`);
        return Promise.resolve(world.exists);
      },
    },
    memory: createHostMemory(),
    now: timeNow,
    writesAtOnce: 20,
    recordAfterMs: 2_000,
    signal: new AbortController().signal,
    report: (result) => void reported.push(result),
  });
  const apply = async (list: readonly AssignmentStep[], on = there, held: HeldSteps = new Map()) => {
    const done = applier.apply({ ...idlePlan(host), steps: list }, on, held);
    await clock.advance(7);
    return done;
  };
  return { apply, reported, mirrored, called, world, timeNow };
}

const another = assigned({ podName: 'another' });
const foreign = { kind: 'stale', message: 'its name is taken by another pod', isRefusal: true } as const;
const exists = { kind: 'stale', message: 'exists' } as const;

test.each([
  { kind: 'create', whose: 'of its own pod', known: current, isThere: true, outcome: exists },
  { kind: 'create', whose: 'of another pod', known: another, isThere: true, outcome: foreign },
  { kind: 'create', whose: 'of an unknown pod', known: undefined, isThere: true, outcome: foreign },
  { kind: 'create', whose: 'that is gone again', known: undefined, isThere: false, outcome: exists },
  { kind: 'update', whose: 'of another pod', known: another, isThere: true, outcome: exists },
  { kind: 'delete', whose: 'of another pod', known: another, isThere: true, outcome: exists },
] as const)('a $kind that finds an object $whose reads it', async ({ kind, known, isThere, outcome }) => {
  const { apply, mirrored, world, reported } = setUp();
  Object.assign(world, { answer: exists, known, exists: isThere });
  await apply([steps[kind]]);
  expect(mirrored).toEqual([`look at ${objectKey}`]);
  expect(reported).toMatchObject([{ outcome }]);
});

test('what is not as MIC knew it is planned again at once, and later only after a while', async () => {
  const { apply, world, timeNow } = setUp();
  world.answer = exists;
  const [first] = (await apply([steps.update])).unfinished;
  expect(first?.until).toBe(timeNow());
  const held: HeldSteps = new Map([['the-key', first!.held]]);
  const [second] = (await apply([steps.update], there, held)).unfinished;
  expect(second?.until).toBe(timeNow() + 5_000);
});

test('a plan without steps leaves nothing to retry', async () => {
  const { apply } = setUp();
  expect(await apply([])).toEqual({ unfinished: [] });
});

test.each([
  ['create', 'written', 'Assigned'],
  ['update', 'written', 'Assigned'],
  ['confirm', 'written', 'Assigned'],
  ['delete', 'removed', 'removed'],
] as const)(
  'a %s that is %s is done with, and reported with how long it took',
  async (kind, outcome, state) => {
    const { apply, reported, mirrored, called, world } = setUp();
    world.answer = outcome === 'written' ? { kind: outcome, resourceVersion: '2' } : { kind: outcome };
    expect(await apply([steps[kind]])).toEqual({ unfinished: [] });
    expect(reported).toEqual([{ step: steps[kind], state, outcome: world.answer, ms: 7 }]);
    expect([called, mirrored]).toEqual([[kind], [`${objectKey}: ${state}`]]);
  },
);

test('a confirm whose identity is not on the host is not written', async () => {
  const { apply, reported } = setUp();
  expect(await apply([steps.confirm], facts(host))).toEqual({ unfinished: [] });
  expect(reported).toEqual([]);
});

test.each([
  ['create', 'the-key'],
  ['update', 'the-key'],
  ['delete', objectKey],
] as const)('a %s that was refused comes back after a while, under %s', async (kind, key) => {
  const { apply, world } = setUp();
  world.answer = { kind: 'failed', message: 'etcd is away' };
  const retryAt = now + 7 + 5_000;
  expect(await apply([steps[kind]])).toEqual({
    unfinished: [{ step: steps[kind], key, held: { since: now + 7, retryAt }, until: retryAt }],
  });
});

test('a step that the API server refuses again and again is retried after ever longer pauses, up to a minute', async () => {
  const { apply, world, timeNow } = setUp();
  world.answer = { kind: 'failed', message: 'exceeded quota', isRefusal: true };
  let held: HeldSteps = new Map();
  const again = async () => {
    const [left] = (await apply([steps.create], there, held)).unfinished;
    // All of this happens at one time: the pause is over.
    held = new Map([['the-key', { since: 0, retryAt: 0, refusals: left?.held.refusals ?? 0 }]]);
    return (left?.until ?? 0) - timeNow();
  };
  const pauses: number[] = [];
  for (let time = 0; time < 6; time += 1) pauses.push(await again());
  expect(pauses).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  world.answer = { kind: 'failed', message: 'etcd is away' };
  expect([await again(), await again()]).toEqual([5_000, 5_000]);
});

test('a refused step keeps its retry time however often it is planned before', async () => {
  const { apply, reported } = setUp();
  const held = { since: now - 1, retryAt: now + 5_000 };
  const done = await apply([steps.create], there, new Map([['the-key', held]]));
  expect(done.unfinished).toEqual([{ step: steps.create, key: 'the-key', held, until: held.retryAt }]);
  expect(reported).toEqual([]);
});
