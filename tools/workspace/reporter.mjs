import { appendFileSync } from 'node:fs';

/** Counts the tests of the run, so that CI can print one line over all suites. */
export default class CountingReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      for (const test of tests) {
        const { state } = test.result();
        count[state === 'passed' || state === 'failed' ? state : 'skipped'] += 1;
      }
      if (tests.length === 0 && module.state() === 'failed') count.failed += 1;
    }
    const line = `${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`;
    process.stdout.write(`\nvitest: ${line}\n`);
    if (process.env.POD_IDENTITY_TEST_COUNT) appendFileSync(process.env.POD_IDENTITY_TEST_COUNT, `${line}\n`);
  }
}
