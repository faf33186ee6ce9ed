import { expect, it } from 'vitest';
import { createConfirmedNeighbours } from './confirmed-neighbours.ts';

const [aa, bb] = ['aa', 'bb'].map((neighbour) => ({ neighbour, isOwn: true }));

it('a tie is of one pod: the next pod with the address has none', () => {
  const neighbours = createConfirmedNeighbours();
  neighbours.set('10.0.0.1', 'old', aa);
  expect([
    neighbours.of('10.0.0.1', 'old'),
    neighbours.of('10.0.0.1', 'next'),
    neighbours.of('10.0.0.2', 'old'),
  ]).toEqual([...[aa, undefined, undefined]]);
});

it('4,096 addresses are kept: for a new one the oldest goes, for a known one none', () => {
  const neighbours = createConfirmedNeighbours();
  for (let n = 0; n < 4_096; n += 1) neighbours.set(`a${n}`, 'u', aa);
  neighbours.set('a4095', 'u', bb);
  expect([neighbours.of('a0', 'u'), neighbours.of('a4095', 'u')]).toEqual([aa, bb]);
  neighbours.set('new', 'u', aa);
  expect([neighbours.of('a0', 'u'), neighbours.of('a1', 'u'), neighbours.of('new', 'u')]).toEqual([
    undefined,
    aa,
    aa,
  ]);
});
