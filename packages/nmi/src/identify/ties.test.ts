import { expect, it } from 'vitest';
import { createTies } from './ties.ts';

const [aa, bb] = ['aa', 'bb'].map((neighbour) => ({ neighbour, isOwn: true }));

it('a tie is of one pod: the next pod with the address has none', () => {
  const ties = createTies();
  ties.set('10.0.0.1', 'old', aa);
  expect([ties.of('10.0.0.1', 'old'), ties.of('10.0.0.1', 'next'), ties.of('10.0.0.2', 'old')]).toEqual([
    ...[aa, undefined, undefined],
  ]);
});

it('4,096 addresses are kept: for a new one the oldest goes, for a known one none', () => {
  const ties = createTies();
  for (let n = 0; n < 4_096; n += 1) ties.set(`a${n}`, 'u', aa);
  ties.set('a4095', 'u', bb);
  expect([ties.of('a0', 'u'), ties.of('a4095', 'u')]).toEqual([aa, bb]);
  ties.set('new', 'u', aa);
  expect([ties.of('a0', 'u'), ties.of('a1', 'u'), ties.of('new', 'u')]).toEqual([undefined, aa, aa]);
});
