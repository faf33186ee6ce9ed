// The tests that judge mutants: those beside the code, and some quick ones of the whole. All component and end-to-end tests would take hours.
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { defineConfig } from 'vitest/config';
import everything from '../../vitest.config.ts';
import { groupPool } from './group-worker.ts';

const root = join(import.meta.dirname, '../..');
const setup = join(import.meta.dirname, 'setup.ts');

/** In place of a room's sources: the same with all mutants in them, each behind a switch. */
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
    projects: ['crd-types', 'kit', 'mic', 'nmi'].map((name) => ({
      extends: true as const,
      root: join(root, 'packages', name),
      plugins: [instrumented],
      test: {
        name,
        include: ['src/**/*.test.ts', 'test/too-large.test.ts'],
        // Tests of size say nothing about operators and take long.
        exclude: ['**/*.large.test.ts'],
        setupFiles: [setup],
        // Kept on disk they would be taken for the plain sources, and those for them.
        fsModuleCache: false,
        runner: join(import.meta.dirname, 'runner.ts'),
        pool: groupPool,
        // Node's warnings about what a mutant does.
        execArgv: ['--no-warnings'],
        hookTimeout: 30_000,
        testTimeout: 60_000,
      },
    })),
  },
});
