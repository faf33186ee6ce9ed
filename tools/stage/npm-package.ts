// The door to npm's registry, for packages of which a tool needs a file: `npm pack` fetches them, so that neither they nor what they depend on is installed.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** As in a package-lock.json. */
  readonly integrity: string;
}

/** A server of packages may answer nothing at all. */
const patienceMs = 300_000;

/** The path of the package's archive in a cache folder; it is fetched unless it is there. Throws if it is not the one that is pinned. */
export async function packageArchive(wanted: NpmPackage, cache: string): Promise<string> {
  const { name, version } = wanted;
  const archive = `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;
  const kept = join(cache, archive);
  const stored = await integrityOf(kept);
  if (stored === wanted.integrity) return kept;
  if (stored !== undefined) console.error(`${kept} is not what was stored: it is fetched again`);
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'fetch-'));
  try {
    const options = ['--silent', '--prefer-offline', '--pack-destination', folder];
    await runCommand('npm', ['pack', `${name}@${version}`, ...options], patienceMs);
    const found = await integrityOf(join(folder, archive));
    if (found !== wanted.integrity)
      throw new Error(`${name} ${version} is not the package that was pinned: its integrity is ${found}`);
    // Two processes may fetch at the same time: a rename replaces the archive by the same archive.
    await rename(join(folder, archive), kept);
  } finally {
    await rm(folder, { recursive: true });
  }
  return kept;
}

async function integrityOf(file: string): Promise<string | undefined> {
  const content = await readFile(file).catch(() => undefined);
  return content && `sha512-${createHash('sha512').update(content).digest('base64')}`;
}
