import { defineConfig } from 'tsup';

export default defineConfig({
  entry: { index: 'src/index.ts', command: 'src/command/main.ts' },
  // The command is a file of its own, which the library does not share chunks with.
  splitting: false,
  format: ['esm', 'cjs'],
  // By this name Node does not read package.json for the type, which takes memory.
  outExtension: ({ format }) => (format === 'esm' ? { js: '.mjs' } : {}),
  dts: { entry: 'src/index.ts', compilerOptions: { composite: false, incremental: false } },
  sourcemap: true,
  clean: true,
  target: 'node20',
  platform: 'node',
  treeshake: true,
});
