import { expect, test } from 'vitest';
import type { TestModule } from 'vitest/node';
import { countOf } from './test-count.ts';

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
