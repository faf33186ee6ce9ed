// Three short runs of the chaos harness: no rule is violated, and at the end all is as wanted.
// Longer ones: bootstrap.mjs chaos.
import { expect, test } from 'vitest';
import { run } from '../../chaos/run.ts';

test.each([1, 11, 14])('seed %i: no rule is violated, and all recovers', async (seed) => {
  const said: string[] = [];
  const report = await run({ seed, minutes: 0.25, onLine: () => undefined, say: (text) => said.push(text) });
  expect(report.violations, said.join('\n')).toEqual([]);
  expect([report.answers > 0, report.tokens > 0, report.recoveries.length > 0]).toEqual([true, true, true]);
});
