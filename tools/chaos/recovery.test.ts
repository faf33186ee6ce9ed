import { expect, test } from 'vitest';
import { percentile, recoveryTable, summarise } from './recovery.ts';

test('percentiles are measured times', () => {
  const times = Array.from({ length: 100 }, (_, n) => n + 1);
  expect([percentile(times, 0.5), percentile(times, 0.99), percentile([7], 0.99)]).toEqual([50, 99, 7]);
});

test('runs are summed up by kind of fault, and a kind without samples has no row', () => {
  const recoveries = [3_000, 1_000, 2_000].map((ms) => ({ kind: 'nmi-killed', ms }) as const);
  expect(summarise(recoveries)).toEqual([{ kind: 'nmi-killed', count: 3, p50: 2_000, p99: 3_000 }]);
  expect(recoveryTable(recoveries).at(-1)).toBe(
    '| nmi-killed | an NMI is killed and started again | start | 3 | 2.0 | 3.0 |',
  );
});
