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

test('the table shows the range of the samples, and a dash for what could not be measured', () => {
  const figures = [
    { name: 'a', value: 0.8, spread: [0.75, 0.812] as const, what: 'share, median of 5' },
    { name: 'b', value: undefined, what: 'not measured' },
  ];
  expect(table('area', figures)).toBe(
    'area\n  a  0.8  share, median of 5 (0.75 to 0.812)\n  b    -  not measured',
  );
});
