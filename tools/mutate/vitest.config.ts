// The tests that judge mutants: those beside the code, and some quick ones of the whole. All component and end-to-end tests would take hours.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import everything from '../../vitest.config.ts';

const packages = fileURLToPath(new URL('../../packages', import.meta.url));

const setup = fileURLToPath(new URL('setup.ts', import.meta.url));

export default defineConfig({
  resolve: everything.resolve ?? {},
  test: {
    projects: ['crd-types', 'kit', 'mic', 'nmi'].map((name) => ({
      extends: true as const,
      root: `${packages}/${name}`,
      test: {
        name,
        include: ['src/**/*.test.ts', 'test/too-large.test.ts'],
        // Tests of size say nothing about operators and take long.
        exclude: ['**/*.large.test.ts'],
        setupFiles: [setup],
      },
    })),
  },
});
