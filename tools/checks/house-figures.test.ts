import { expect, test } from 'vitest';
import { circles, quantile } from './house-figures.ts';

const graph = (...arrows: readonly (readonly [from: string, ...to: string[]])[]) =>
  new Map(arrows.map(([from, ...to]) => [from, new Set(to)] as const));

test('a quantile is a value of the list', () => {
  expect(quantile([3, 1, 2], 0.5)).toBe(2);
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(2);
  expect(quantile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.9)).toBe(9);
  expect(quantile([5, 9], 1)).toBe(9);
  expect(quantile([], 0.5)).toBe(0);
});

test('a chain has no circle; nodes that reach each other are one, at any distance', () => {
  expect(circles(graph(['a', 'b'], ['b', 'c'], ['c']))).toEqual([]);
  expect(circles(graph(['a', 'b'], ['b', 'c'], ['c', 'a', 'd'], ['d']))).toEqual([['a', 'b', 'c']]);
  expect(circles(graph(['a', 'b'], ['b', 'a'], ['c', 'd', 'a'], ['d', 'c']))).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ]);
});
