import { writeFile } from 'node:fs/promises';
import { defineConfig, type Options } from 'tsup';
import { licenceTexts, readBundled } from '../../tools/images/licences.ts';
import { buildPage } from './page.config.ts';
import { serviceBundle } from '../../tools/workspace/service-bundle.ts';

/** The plug-in exports no traces: OpenTelemetry's SDK, which kit loads only for that, stays out of the package. */
const withoutTraces: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'without-traces',
  setup(build) {
    build.onResolve({ filter: /\/otlp-tracer\.ts$/ }, () => ({ path: 'none', namespace: 'without-traces' }));
    build.onLoad({ filter: /^/, namespace: 'without-traces' }, () => ({
      contents: 'export const createOtlpTracer = undefined',
    }));
  },
};

export default defineConfig({
  ...serviceBundle,
  target: 'node22',
  sourcemap: false,
  minify: true,
  entry: { main: 'src/main.ts' },
  esbuildPlugins: [...serviceBundle.esbuildPlugins, withoutTraces],
  onSuccess: async () => {
    await writeFile('dist/metafile-page.json', JSON.stringify(await buildPage('dist/ui')));
    await writeFile('dist/THIRD-PARTY-LICENSES', await licenceTexts(await readBundled('kubectl')));
  },
});
