// The tests of a run, counted so that .ci/run can print one line over several runs.
import { appendFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';
import { countLine, type Count } from './progress.ts';

export function countOf(modules: readonly TestModule[], unhandledErrors: number): Count {
  const count = { passed: 0, failed: unhandledErrors, skipped: 0 };
  for (const module of modules) {
    const tests = [...module.children.allTests()];
    for (const test of tests) {
      const { state } = test.result();
      count[state === 'passed' || state === 'failed' ? state : 'skipped'] += 1;
    }
    count.failed += failedHooksOf(module);
  }
  return count;
}

/** Files and groups that failed outside of their tests, such as in a hook: Vitest counts their tests as skipped or passed. */
export function failedHooksOf(module: TestModule): number {
  return [module, ...module.children.allSuites()].filter((each) => each.errors().length > 0).length;
}

/** Adds the count and the names of what failed to the file of .ci/run, if it runs. */
export function noteCount(count: Count, failed: readonly string[] = []): void {
  const file = process.env['POD_IDENTITY_TEST_COUNT'];
  const lines = [countLine(count), ...failed.map((name) => `FAIL ${name}`)];
  if (file !== undefined && file !== '') appendFileSync(file, `${lines.join('\n')}\n`);
}

export class CountingReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const count = countOf(modules, unhandledErrors.length);
    process.stdout.write(`\nvitest: ${countLine(count)}\n`);
    noteCount(count);
  }
}
