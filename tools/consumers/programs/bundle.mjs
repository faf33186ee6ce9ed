// Bundles a file as a user of the bundler would: node bundle.mjs BUNDLER ENTRY OUTPUT node|browser. A warning is an error.
import { basename, dirname } from 'node:path';

const [bundler, entry, output, platform] = process.argv.slice(2);
const isBrowser = platform === 'browser';
const format = isBrowser ? 'iife' : 'esm';

const bundlers = {
  async esbuild() {
    const { build } = await import('esbuild');
    const options = { entryPoints: [entry], outfile: output, bundle: true, minify: true, format, platform };
    const { warnings } = await build({ ...options, legalComments: 'none', logLevel: 'silent' });
    if (warnings.length > 0) throw new Error(JSON.stringify(warnings));
  },
  async rollup() {
    const { rollup } = await import('rollup');
    const { nodeResolve } = await import('@rollup/plugin-node-resolve');
    const plugins = [nodeResolve({ browser: isBrowser, preferBuiltins: !isBrowser })];
    // What is not bundled would be missing in a browser, and rollup only warns.
    const onwarn = (warning) => {
      throw new Error(warning.message);
    };
    const external = isBrowser ? [] : [/^node:/];
    const bundle = await rollup({ input: entry, plugins, external, onwarn });
    await bundle.write({ file: output, format });
  },
  async webpack() {
    const { default: webpack } = await import('webpack');
    const place = { path: dirname(output), filename: basename(output) };
    const stats = await new Promise((resolve, reject) => {
      webpack(
        {
          mode: 'production',
          context: dirname(entry),
          entry,
          target: isBrowser ? 'web' : 'node20',
          experiments: { outputModule: !isBrowser },
          output: { ...place, ...(!isBrowser && { module: true, chunkFormat: 'module' }) },
        },
        (error, found) => (error ? reject(error) : resolve(found)),
      );
    });
    if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString());
  },
  async vite() {
    const { build } = await import('vite');
    const warnings = [];
    const nothing = () => undefined;
    const customLogger = {
      hasWarned: false,
      info: nothing,
      clearScreen: nothing,
      hasErrorLogged: () => false,
    };
    for (const level of ['warn', 'warnOnce', 'error'])
      customLogger[level] = (message) => warnings.push(`${level}: ${message}`);
    await build({
      configFile: false,
      customLogger,
      root: dirname(entry),
      build: {
        outDir: dirname(output),
        emptyOutDir: false,
        ...(isBrowser
          ? { lib: { entry, formats: ['iife'], name: 'app', fileName: () => basename(output) } }
          : { ssr: entry, rollupOptions: { output: { entryFileNames: basename(output) } } }),
      },
      // Otherwise a build for Node leaves packages to Node.
      ssr: { noExternal: true },
    });
    if (warnings.length > 0) throw new Error(warnings.join('\n'));
  },
};

await bundlers[bundler]();
