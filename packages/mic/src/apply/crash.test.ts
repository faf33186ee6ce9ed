import { describe, expect, test } from 'vitest';
import { idOf } from '../plan/test/builders.ts';
import { createFakeWorld, type Crash, type FakeWorld } from './test/fake-world.ts';

// Longer than all waits: debounce, retries, grace, drift, the pause after a failure.
const longMs = 20 * 60_000;

/** Two pods appear, the first one is deleted and its grace ends: every kind of write happens. */
async function play(world: FakeWorld) {
  world.addNode();
  world.addIdentity('first');
  world.addIdentity('second');
  world.attached.set(idOf('foreign'), { clientId: 'c', principalId: 'p' });
  world.addPod('pod-1', 'first');
  let term = await world.startTerm();
  const go = async (ms: number) => {
    for (let left = ms; left > 0; left -= 30_000) {
      await world.clock.advance(30_000);
      if (!world.isDead) continue;
      // The process ends; another one takes over with only the written state.
      term.end();
      term = await world.startTerm();
    }
  };
  await go(60_000);
  world.addPod('pod-2', 'second');
  term.poke();
  await go(60_000);
  world.removePod('pod-1');
  term.poke();
  await go(longMs);
  term.end();
  return term;
}

const final = (world: FakeWorld) => ({
  attached: [...world.attached.keys()].sort(),
  states: world.states(),
  ours: world.records().map((text) =>
    (JSON.parse(text) as { ours: { id: string; confirmed: boolean }[] }).ours.map(({ id, confirmed }) => ({
      id,
      confirmed,
    })),
  ),
});

const settled = {
  attached: [idOf('foreign'), idOf('second')].sort(),
  states: ['pod-2: Assigned'],
  ours: [[{ id: idOf('second'), confirmed: true }]],
};

test('without a crash: intent before PATCH before Assigned, one write for each object, a correct final record', async () => {
  const world = createFakeWorld();
  await play(world);
  expect(final(world)).toEqual(settled);
  expect(world.writes).toEqual([
    'create record',
    'PATCH',
    'replace record',
    'create assigned',
    'replace record',
    'PATCH',
    'replace record',
    'create assigned',
    'delete assigned',
    'replace record',
    'PATCH',
    'replace record',
  ]);
});

const undisturbedWrites = 12;
const crashes: Crash[] = Array.from({ length: undisturbedWrites }, (_, position) => position + 1).flatMap(
  (at) => [
    { at, when: 'before' },
    { at, when: 'after' },
  ],
);

describe('W-C4 a MIC that ends between any two writes', () => {
  test.each(crashes)(
    'at write $at, $when it happened, leaves a state that the next one completes',
    async (crash) => {
      const world = createFakeWorld({ crash });
      const last = await play(world);
      expect(final(world)).toEqual(settled);
      expect(last.crashes).toEqual([]);
      expect(world.attached.has(idOf('foreign'))).toBe(true);
    },
  );
});
