import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import type { Picture } from './picture.ts';
import { createPictureFeed } from './picture-feed.ts';

const pictureOf = (number: number, pending: number): Picture => ({
  number,
  takenAt: '',
  server: 's',
  namespace: undefined,
  things: [],
  lines: [],
  unknown: [],
  pending,
});

/** Pods that take 10 ms each. */
function openFeed(pods: number) {
  const clock: FakeClock = createFakeClock();
  let [left, turns, spent] = [pods, 0, 0];
  const feed = createPictureFeed({
    clock: { ...clock, elapsed: () => clock.elapsed() + spent },
    yieldTurn: () => Promise.resolve((turns += 1)),
    *judge() {
      for (; left > 0; left -= 1) {
        spent += 10;
        yield;
      }
    },
    make: (number) => pictureOf(number, left),
  });
  const shown: Picture[] = [];
  feed.onChange(() => shown.push(feed.latest()!));
  const end = new AbortController();
  return { feed, clock, shown, turns: () => turns, end, running: feed.run(end.signal) };
}

test('while pods are judged others have turns, and there are pictures that say how many are left', async () => {
  const { clock, shown, turns, end, running } = openFeed(250);
  await clock.advance(0);
  expect(shown.map(({ pending }) => pending)).toEqual([151]);
  expect(turns()).toBeGreaterThan(40);
  // As long as it took: at most half of a core.
  await clock.advance(999);
  expect(shown).toHaveLength(1);
  await clock.advance(1);
  expect(shown.map(({ pending }) => pending)).toEqual([151, 52]);
  await clock.advance(1_000);
  expect(shown.map(({ pending }) => pending)).toEqual([151, 52, 0]);
  end.abort();
  await running;
});

test('when all is judged the next picture waits for a change', async () => {
  const { feed, clock, shown, end, running } = openFeed(0);
  await clock.advance(10_000);
  expect(shown).toHaveLength(1);
  feed.note();
  await clock.advance(0);
  expect(shown).toHaveLength(2);
  feed.note();
  feed.note();
  await clock.advance(249);
  expect(shown).toHaveLength(2);
  await clock.advance(1);
  expect(shown).toHaveLength(3);
  end.abort();
  await running;
});
