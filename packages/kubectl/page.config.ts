// How the page of `ui` is built: one script and one style, without anything from outside.
import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';

const source = (name: string) => join(import.meta.dirname, 'src/ui/page', name);

/** Writes page.js and page.css into a folder; returns what they consist of. */
export async function buildPage(folder: string): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: [
      { in: source('main.ts'), out: 'page' },
      { in: source('page.css'), out: 'page' },
    ],
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
  return metafile;
}
