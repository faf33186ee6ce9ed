// The tests that run with mutants (stryker.config.mjs): those beside the code of the room's package, each file in a process of its own.
import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';
import everything from '../../vitest.config.ts';

const [name = '*'] = process.env['ROOM']?.split('/') ?? [];

export default defineConfig({
  root: join(import.meta.dirname, '../..'),
  resolve: everything.resolve ?? {},
  test: {
    include: [`packages/${name}/src/**/*.test.ts`],
    exclude: [...configDefaults.exclude, '**/*.{real,kernel,fuzz,long,large}.test.ts'],
    setupFiles: [join(import.meta.dirname, 'mutation-setup.ts')],
    hookTimeout: 30_000,
    testTimeout: 60_000,
  },
});
