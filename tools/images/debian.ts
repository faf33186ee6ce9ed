// The door to Debian's packages: apt fetches them, dpkg-deb opens them. apt's own configuration of this machine says from where; its lists and
// packages are kept in a folder of ours, so that neither root nor an installed package is needed, and another architecture works as well.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { prune, readKept } from './kept.ts';
import { run, runForBytes } from './run.ts';
import type { Architecture } from './recipes.ts';
import { readTar, type TarEntry } from './tar.ts';

/** A package as the lists of this machine name it. */
export interface ListedPackage {
  readonly name: string;
  readonly version: string;
  readonly file: string;
  readonly sha256: string;
}

export interface DebianPackage extends ListedPackage {
  readonly architecture: string;
  /** The source package, with its version if that is another. */
  readonly source: string;
  readonly entries: readonly TarEntry[];
}

export interface Debian {
  /** The newest version of each. */
  list(names: readonly string[]): Promise<readonly ListedPackage[]>;
  open(listed: readonly ListedPackage[]): Promise<readonly DebianPackage[]>;
  /** Removes packages that no build has opened for long, and downloads that did not end. */
  prune(): Promise<void>;
}

type Apt = (folder: string, ...args: readonly string[]) => Promise<string>;

/** Security updates appear every few days; a build within the same day gets the same packages. */
const listsLastMs = 24 * 60 * 60 * 1000;

/** Images of both architectures have some 60 packages. */
const limits = { unusedMs: 30 * 24 * 60 * 60 * 1000, most: 240 };

export function openDebian(arch: Architecture, cache: string): Debian {
  const state = join(cache, `apt-${arch}`);
  const packages = join(cache, 'packages');
  const options = Object.entries({
    'APT::Architecture': arch,
    'APT::Architectures': arch,
    // Otherwise apt, if run by root, fetches as a user who cannot write here.
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Dir::State': state,
    // What is installed on this machine does not count.
    'Dir::State::status': join(state, 'status'),
    'Dir::Cache': join(state, 'cache'),
  }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const words = ['--quiet=2', ...options];
  const apt: Apt = (folder, ...args) => run('apt-get', [...words, ...args], folder);
  // apt ends with an error while another process, such as a test beside this one, fetches the lists. Without a fork, the signal at
  // the deadline ends apt itself.
  const update = () =>
    run('flock', ['--no-fork', join(state, 'lock'), 'apt-get', ...words, 'update', '--error-on=any'], cache);
  return {
    list: async (names) => {
      await refresh(state, update);
      return parseUris(await apt(cache, 'download', '--print-uris', ...names), names);
    },
    open: async (listed) => {
      await fetchMissing(listed, packages, apt);
      return Promise.all(listed.map((one) => openPackage(one, kept(packages, one))));
    },
    prune: () => prune({ folder: packages, ...limits }),
  };
}

async function refresh(state: string, update: () => Promise<string>): Promise<void> {
  const stamp = join(state, 'refreshed');
  const isFresh = await stat(stamp).then(
    ({ mtimeMs }) => Date.now() - mtimeMs < listsLastMs,
    () => false,
  );
  if (isFresh) return;
  for (const folder of ['lists/partial', 'cache/archives/partial'])
    await mkdir(join(state, folder), { recursive: true });
  await writeFile(join(state, 'status'), '');
  await update();
  await writeFile(stamp, '');
}

/** Lines as `'ADDRESS' FILE SIZE SHA256:HASH`. */
export function parseUris(printed: string, names: readonly string[]): readonly ListedPackage[] {
  const found = new Map(
    [...printed.matchAll(/^'[^']+' (([^_ ]+)_([^_ ]+)_\S+) \d+ SHA256:([0-9a-f]{64})$/gm)].map(
      ([, file = '', name = '', version = '', sha256 = '']) => [
        name,
        { name, version: decodeURIComponent(version), file, sha256 },
      ],
    ),
  );
  return names.map((name) => {
    const listed = found.get(name);
    if (!listed)
      throw new Error(`apt knows no package ${name}: images are made of the packages of Debian 13`);
    return listed;
  });
}

function kept(packages: string, { sha256 }: ListedPackage): string {
  return join(packages, `${sha256}.deb`);
}

/** With one call of apt, which needs a second or more to read its lists. */
async function fetchMissing(listed: readonly ListedPackage[], packages: string, apt: Apt): Promise<void> {
  const found = await Promise.all(
    listed.map((one) => readKept(kept(packages, one), (content) => sha256Of(content) === one.sha256)),
  );
  const missing = listed.filter((_, place) => found[place] === undefined);
  if (missing.length === 0) return;
  await mkdir(packages, { recursive: true });
  const folder = await mkdtemp(join(packages, 'fetch-'));
  try {
    await apt(folder, 'download', ...missing.map(({ name, version }) => `${name}=${version}`));
    for (const one of missing) {
      const hash = sha256Of(await readFile(join(folder, one.file)));
      if (hash !== one.sha256)
        throw new Error(`${one.file} has the SHA-256 ${hash}; apt's lists say ${one.sha256}`);
      await rename(join(folder, one.file), kept(packages, one));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

function sha256Of(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

async function openPackage(listed: ListedPackage, file: string): Promise<DebianPackage> {
  const fields = await run('dpkg-deb', [
    '--showformat=${Architecture}\n${source:Package}\n${source:Version}\n',
    '--show',
    file,
  ]);
  const [architecture = '', source = '', sourceVersion = ''] = fields.split('\n');
  return {
    ...listed,
    architecture,
    source: sourceVersion === listed.version ? source : `${source} ${sourceVersion}`,
    entries: readTar(await runForBytes('dpkg-deb', ['--fsys-tarfile', file])),
  };
}
