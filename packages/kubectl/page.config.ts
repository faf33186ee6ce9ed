// How the page of `ui` is built: one script and one style, without anything from outside.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, transform, type Metafile } from 'esbuild';
import { pageStyle } from './src/ui/page/page-style.ts';

const source = (name: string) => join(import.meta.dirname, 'src/ui/page', name);

/** Writes page.js and page.css into a folder; returns what they consist of. */
export async function buildPage(folder: string): Promise<Metafile> {
  await mkdir(folder, { recursive: true });
  const { metafile } = await build({
    entryPoints: { page: source('main.tsx') },
    outdir: folder,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2024',
    tsconfig: source('tsconfig.json'),
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
    absWorkingDir: import.meta.dirname,
  });
  const { code } = await transform(pageStyle, { loader: 'css', minify: true });
  await writeFile(join(folder, 'page.css'), code);
  return metafile;
}
