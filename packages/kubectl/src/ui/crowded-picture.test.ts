// What an editor of one namespace can write: the picture stays small enough to be made, kept and sent.
import { beforeAll, expect, test } from 'vitest';
import { createCrowd, fillCrowd, inputOf } from '../../test/crowd.ts';
import { createJudge } from './judge.ts';
import { makePicture } from './make-picture.ts';

const pods = 600;
const refused = { status: 'False', reason: 'R', message: 'x'.repeat(16_000), isOutdated: false };

let made: ReturnType<typeof makePicture>;
beforeAll(() => {
  const crowd = createCrowd();
  fillCrowd(crowd, pods, 100);
  crowd.index.settle();
  const judge = createJudge();
  const input = inputOf(crowd.cluster(refused));
  judge.update(input, new Set());
  while (judge.next());
  made = makePicture(input, judge.parts());
});

test('attack: thousands of pods with a hundred bindings each do not make a picture that is too long to be sent', () => {
  expect(made.things.filter(({ column }) => column === 'pod')).toHaveLength(pods);
  expect(JSON.stringify([made.things, made.lines]).length).toBeLessThan(20_000_000);
  expect(made.things.map(({ group = '' }) => group.length).toSorted((a, b) => b - a)[0]).toBeLessThan(100);
});

test('attack: a condition of an identity is not repeated at full length by each pod', () => {
  expect(made.things.map(({ about }) => about.length).toSorted((a, b) => b - a)[0]).toBeLessThan(600);
});

test('what is left out is said, and identities of left out lines do not look unused', () => {
  expect(made.things.filter(({ state }) => state === 'unused')).toEqual([]);
  expect(made.lines.length).toBeLessThan(60_000);
  expect(made.unknown).toEqual([
    'more than 50000 lines from pod:crowd to binding:crowd: the others are not shown',
  ]);
});
