// How the page of `ui` is built: one script and one style, without anything from outside.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, transform } from 'esbuild';
import { pageStyle } from './src/ui/page/page-style.ts';

/** Writes page.js and page.css into a folder. */
export async function buildPage(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await build({
    entryPoints: { page: join(import.meta.dirname, 'src/ui/page/main.tsx') },
    outdir: folder,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2024',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'warning',
  });
  const { code } = await transform(pageStyle, { loader: 'css', minify: true });
  await writeFile(join(folder, 'page.css'), code);
}
