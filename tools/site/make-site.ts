// The site of this repository: which files are its pages, where the forge is.
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../stage/places.ts';
import { buildSite } from './build.ts';
import { checkSite } from './check-site.ts';
import { forgeOf } from './links.ts';
import { isPage, place } from './pages.ts';

/** Writes the site into a folder and checks it. */
export async function makeSite(out: string): ReturnType<typeof checkSite> {
  const list = execFileSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '*.md', '*.png', '*.svg'],
    {
      cwd: repository,
      encoding: 'utf8',
    },
  );
  const state = (path: string) => statSync(join(repository, path), { throwIfNoEntry: false });
  const files = list.split('\n').filter((path) => path !== '' && state(path) !== undefined);
  const read = (path: string) => readFileSync(join(repository, path), 'utf8');
  const paths = files.filter(isPage);
  const library = JSON.parse(read('packages/imds-client/package.json')) as {
    readonly repository: { readonly url: string };
  };
  await buildSite({
    repository,
    pages: place(paths.map((path) => ({ path, text: read(path) }))),
    pictures: files.filter((path) => /\.(png|svg)$/.test(path)),
    targets: {
      isPage: (path) => paths.includes(path),
      isFolder: (path) => state(path)?.isDirectory() === true,
      forge: forgeOf(library.repository.url),
    },
    out,
  });
  return checkSite(out);
}
