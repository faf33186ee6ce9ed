import { defineConfig } from 'tsup';
import { buildDefinitions } from '../../tools/workspace/service-bundle.ts';

// One self-contained file: the image needs no node_modules.
export default defineConfig({
  entry: { 'keyvault-sample': 'src/main.ts' },
  format: ['esm'],
  dts: false,
  sourcemap: true,
  clean: true,
  target: 'node24',
  platform: 'node',
  noExternal: [/.*/],
  splitting: true,
  define: buildDefinitions,
  metafile: true,
  banner: {
    js: "import { createRequire as createRequireForBundle } from 'node:module'; const require = createRequireForBundle(import.meta.url);",
  },
});
