// How tsup bundles a service: one self-contained file, and separate files for rarely used code, so that the image needs no node_modules.
import type { Options } from 'tsup';
import { buildFacts } from './build-facts.mjs';

type Plugin = NonNullable<Options['esbuildPlugins']>[number];

/**
 * `import` of node:http reads every export of it, and one of them is the WebSocket, which loads a whole second HTTP client:
 * 14 MiB of memory for each process. `require` reads what is used.
 */
const leanHttp: Plugin = {
  name: 'lean-http',
  setup(build) {
    build.onResolve({ filter: /^(node:)?http$/ }, ({ kind }) =>
      kind === 'import-statement' ? { path: 'node:http', namespace: 'lean-http' } : undefined,
    );
    build.onLoad({ filter: /^/, namespace: 'lean-http' }, () => ({
      contents: "module.exports = require('node:http')",
    }));
  },
};

/** prom-client asks it for trace ids where exemplars are switched on, which nobody does here. */
const withoutTracing: Plugin = {
  name: 'without-tracing',
  setup(build) {
    build.onResolve({ filter: /^@opentelemetry\/api$/ }, () => ({
      path: 'none',
      namespace: 'without-tracing',
    }));
    build.onLoad({ filter: /^/, namespace: 'without-tracing' }, () => ({ contents: 'module.exports = {}' }));
  },
};

const { commit, date } = buildFacts();
/** Read by kit's build-info.ts and by the sample. */
const buildDefinitions = {
  POD_IDENTITY_COMMIT: JSON.stringify(commit),
  POD_IDENTITY_DATE: JSON.stringify(date),
};

export const serviceBundle = {
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
  // Otherwise this runs before the plugins.
  removeNodeProtocol: false,
  esbuildPlugins: [leanHttp, withoutTracing],
  esbuildOptions: (options) => {
    // With a character beyond Latin-1, the whole file would take two bytes for each character in memory.
    options.charset = 'ascii';
  },
  banner: {
    js: "import { createRequire as createRequireForBundle } from 'node:module'; const require = createRequireForBundle(import.meta.url);",
  },
} satisfies Options;
