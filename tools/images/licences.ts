// The texts that the licences of bundled packages want to be passed on with the program: in an image, and in the archive of the kubectl plug-in.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from '../stage/places.ts';
import { bundledPackages, type BundledPackage, type LockFile, type Metafile } from './bundled.ts';

/** Of a package of ours that is built, by its folder in packages/; `more`: what another build put beside it. */
export async function readBundled(name: string, more?: Metafile): Promise<readonly BundledPackage[]> {
  const { outputs } = await readJson<Metafile>('packages', name, 'dist/metafile-esm.json');
  const metafile = { outputs: { ...outputs, ...more?.outputs } };
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
