import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { TestModule } from 'vitest/node';
import { countOf, noteCount } from './test-count.ts';

type State = 'passed' | 'failed' | 'skipped';

/** As Vitest reports a file: what failed outside of its tests, and outside of those of its groups. */
const moduleOf = (states: readonly State[], errors: number, ofGroups: readonly number[] = []) =>
  ({
    errors: () => Array.from({ length: errors }),
    children: {
      allTests: () => states.map((state) => ({ result: () => ({ state }) })),
      allSuites: () => ofGroups.map((length) => ({ errors: () => Array.from({ length }) })),
    },
  }) as unknown as TestModule;

test.each<[string, { readonly module: TestModule; readonly unhandled?: number }, object]>([
  [
    'a file whose beforeAll failed',
    { module: moduleOf(['skipped', 'skipped'], 1) },
    { failed: 1, skipped: 2 },
  ],
  ['a group whose afterAll failed', { module: moduleOf(['passed'], 0, [1, 0]) }, { passed: 1, failed: 1 }],
  ['a file that cannot be imported', { module: moduleOf([], 1) }, { failed: 1 }],
  ['a failed test', { module: moduleOf(['failed', 'passed'], 0, [0]) }, { failed: 1, passed: 1 }],
  [
    'an error outside of all files',
    { module: moduleOf(['passed'], 0), unhandled: 1 },
    { failed: 1, passed: 1 },
  ],
])('%s counts as failed', (_, { module, unhandled = 0 }, count) => {
  expect(countOf([module], unhandled)).toEqual({ passed: 0, failed: 0, skipped: 0, ...count });
});

test('.ci/run gets the count of each run, and the name of each test that failed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'count-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
    vi.unstubAllEnvs();
  });
  const file = join(folder, 'count');
  vi.stubEnv('POD_IDENTITY_TEST_COUNT', file);
  noteCount({ passed: 2, failed: 1, skipped: 0 }, ['one.test.ts > one is two']);
  noteCount({ passed: 3, failed: 0, skipped: 0 });
  expect(readFileSync(file, 'utf8').trim().split('\n')).toEqual([
    '2 passed, 1 failed, 0 skipped',
    'FAIL one.test.ts > one is two',
    '3 passed, 0 failed, 0 skipped',
  ]);
});
