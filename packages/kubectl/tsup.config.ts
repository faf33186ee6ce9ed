import { writeFile } from 'node:fs/promises';
import { defineConfig } from 'tsup';
import { licenceTexts, readBundled } from '../../tools/images/licences.ts';
import { buildPage } from './page.config.ts';
import { serviceBundle } from '../../tools/workspace/service-bundle.ts';

export default defineConfig({
  ...serviceBundle,
  target: 'node22',
  sourcemap: false,
  minify: true,
  entry: { main: 'src/main.ts' },
  onSuccess: async () => {
    await writeFile('dist/metafile-page.json', JSON.stringify(await buildPage('dist/ui')));
    await writeFile('dist/THIRD-PARTY-LICENSES', await licenceTexts(await readBundled('kubectl')));
  },
});
