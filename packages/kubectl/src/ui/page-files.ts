// The files of the page, as the build has made them.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pageDocument } from './page/document.ts';
import type { PageFile } from './server.ts';

/** In the package the bundle lies beside the folder `ui`; the sources use what was built last. */
const built = join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? '../../dist/ui' : 'ui');

/** By path. */
export async function readPageFiles(folder = built): Promise<ReadonlyMap<string, PageFile>> {
  const read = async (name: string, contentType: string) =>
    [`/${name}`, { contentType, body: await readFile(join(folder, name)) }] as const;
  return new Map<string, PageFile>([
    ['/', { contentType: 'text/html; charset=utf-8', body: pageDocument }],
    await read('page.js', 'text/javascript; charset=utf-8'),
    await read('page.css', 'text/css; charset=utf-8'),
  ]);
}
