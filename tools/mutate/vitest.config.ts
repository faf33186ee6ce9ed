// The tests that run with mutants: those next to the code and one quick component test. All tests would take hours.
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { defineConfig } from 'vitest/config';
import everything from '../../vitest.config.ts';
import { groupPool } from './group-worker.ts';

const root = join(import.meta.dirname, '../..');
const setup = join(import.meta.dirname, 'setup.ts');

/** Replaces a room's sources by their copies with all mutants, each behind a switch. */
const instrumented = {
  name: 'instrumented',
  enforce: 'pre' as const,
  load(id: string) {
    const file = join(process.env['MUTATE_SOURCES'] ?? '', relative(root, id.replace(/\?.*/, '')));
    return id.startsWith(`${root}/packages/`) && existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  },
};

export default defineConfig({
  resolve: everything.resolve ?? {},
  test: {
    projects: ['crd-types', 'imds-client', 'policy', 'kit', 'mic', 'nmi'].map((name) => ({
      extends: true as const,
      root: join(root, 'packages', name),
      plugins: [instrumented],
      test: {
        name,
        include: ['src/**/*.test.ts', 'test/too-large.test.ts'],
        // Tests of large inputs are slow, and check no operators.
        exclude: ['**/*.large.test.ts'],
        setupFiles: [setup],
        // The cache would mix the sources with their copies.
        fsModuleCache: false,
        runner: join(import.meta.dirname, 'runner.ts'),
        pool: groupPool,
        // Without Node's warnings about the behaviour of mutants.
        execArgv: ['--no-warnings'],
        hookTimeout: 30_000,
        testTimeout: 60_000,
      },
    })),
  },
});
