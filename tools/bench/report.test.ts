import { expect, test } from 'vitest';
import { median, quantile, table } from './report.ts';

test('the median of an even number of samples lies between the two in the middle', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([5, 1, 3])).toBe(3);
});

test('p99 of a hundred samples is the one that a single sample exceeds', () => {
  const samples = Array.from({ length: 100 }, (_, index) => index + 1);
  expect(quantile(samples, 0.99)).toBe(99);
});

test('the table keeps names and figures in columns', () => {
  const figures = [
    { name: 'a', value: 1000.5, what: 'thousand' },
    { name: 'longer', value: 2, what: 'two' },
  ];
  expect(table('area', figures)).toBe('area\n  a       1,000.5  thousand\n  longer        2  two');
});
