// One layer of an image: an archive whose bytes depend only on its files.
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { OwnedEntry } from './collect.ts';
import { compress, type LayerCache } from './layer-cache.ts';
import { digestOf, type Layer } from './oci.ts';
import { writeTar, type DirectoryEntry, type TarEntry } from './tar.ts';

/** A file as the bill of materials names it. */
export interface LayerFile {
  readonly path: string;
  /** The package that it comes from. */
  readonly owner: string;
  readonly sha1: string;
  readonly sha256: string;
}

export interface MadeLayer extends Layer {
  readonly files: readonly LayerFile[];
  /** Of files and links. */
  readonly paths: readonly string[];
}

export interface LayerContent {
  readonly title: string;
  readonly owned: readonly OwnedEntry[];
  /** Empty folders, or those with other rights than 0755. */
  readonly folders?: readonly DirectoryEntry[];
  /** The time of every file. */
  readonly seconds: number;
}

export function makeLayer(content: LayerContent): MadeLayer {
  const { archive, ...layer } = packed(content);
  return { ...layer, blob: compress(archive) };
}

/** The same, compressed by an earlier build if there was one. */
export async function makeSharedLayer(content: LayerContent, cache: LayerCache): Promise<MadeLayer> {
  const { archive, ...layer } = packed(content);
  return { ...layer, blob: await cache.gzip(archive) };
}

type Packed = Omit<MadeLayer, 'blob'> & { readonly archive: Buffer };

function packed({ title, owned, folders = [], seconds }: LayerContent): Packed {
  const entries = new Map<string, TarEntry>();
  for (const { entry } of owned) for (const folder of foldersOf(entry.path)) entries.set(folder.path, folder);
  for (const folder of folders) entries.set(folder.path, folder);
  for (const { entry } of owned) entries.set(entry.path, entry);
  const archive = writeTar(
    [...entries.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    seconds,
  );
  return {
    title,
    diffId: digestOf(archive),
    archive,
    files: owned.flatMap(checksums),
    paths: owned.map(({ entry }) => entry.path),
  };
}

function foldersOf(path: string): readonly DirectoryEntry[] {
  const parent = posix.dirname(path);
  return parent === '.' ? [] : [...foldersOf(parent), { kind: 'directory', path: parent, mode: 0o755 }];
}

function checksums({ owner, entry }: OwnedEntry): readonly LayerFile[] {
  if (entry.kind !== 'file') return [];
  const hash = (algorithm: string) => createHash(algorithm).update(entry.content).digest('hex');
  return [{ path: entry.path, owner, sha1: hash('sha1'), sha256: hash('sha256') }];
}
