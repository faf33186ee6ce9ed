// The texts that the licences of bundled packages want to be passed on with the program: in an image, and in the archive of the kubectl plug-in.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from '../stage/places.ts';
import { bundledPackages, type BundledPackage, type LockFile, type Metafile } from './bundled.ts';

/** Of a package of ours that is built, by its folder in packages/: of all its bundles. */
export async function readBundled(name: string): Promise<readonly BundledPackage[]> {
  const folder = ['packages', name, 'dist'];
  const files = (await readdir(join(repository, ...folder))).filter((file) =>
    /^metafile-.*\.json$/.test(file),
  );
  const read = await Promise.all(files.map((file) => readJson<Metafile>(...folder, file)));
  const metafile = {
    outputs: Object.assign({}, ...read.map(({ outputs }) => outputs)) as Metafile['outputs'],
  };
  return bundledPackages(metafile, await readJson<LockFile>('package-lock.json'), `packages/${name}`);
}

/** Of a file of the repository. */
export async function readJson<T>(...path: readonly string[]): Promise<T> {
  return JSON.parse(await readFile(join(repository, ...path), 'utf8')) as T;
}

export async function licenceTexts(bundled: readonly BundledPackage[]): Promise<string> {
  const texts = await Promise.all(
    bundled.map(async ({ name, version, license, folder }) => {
      const files = await readdir(join(repository, folder));
      const licences = files.filter((file) => /^(licen[cs]e|notice|copying)/i.test(file)).toSorted();
      const read = await Promise.all(
        licences.map((file) => readFile(join(repository, folder, file), 'utf8')),
      );
      return [`${name} ${version} (${license})`, ...read.map((text) => text.trim())].join('\n\n');
    }),
  );
  return `${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}
