import { expect, test } from 'vitest';
import { progressLine, skipReasons } from './progress.ts';

const progress = {
  passed: 3_412,
  failed: 1,
  skipped: 2,
  files: 520,
  filesDone: 120,
  seconds: 83,
  running: ['packages/nmi/test/faults.test.ts', 'tools/e2e/scenarios/rights.e2e.test.ts'],
};

test('the line of progress counts files and tests, and names what runs', () => {
  expect(progressLine(progress)).toBe(
    '120/520 files, 3412 passed, 1 failed, 2 skipped, 1:23: nmi/test/faults, e2e/scenarios/rights.e2e',
  );
});

test('it is shorter than a line of the terminal', () => {
  expect(progressLine(progress, 80)).toBe(
    '120/520 files, 3412 passed, 1 failed, 2 skipped, 1:23: nmi/test/faults, e2e/sc…',
  );
});

test('reasons of skips are found among what a file prints', () => {
  expect(
    skipReasons('started\nskipped on real servers: no kit\n explain is not tested here: no kit\n'),
  ).toEqual(['skipped on real servers: no kit', 'explain is not tested here: no kit']);
});
