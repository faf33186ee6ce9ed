// Chooses files of Debian's packages: those that are asked for, what links lead to, and the libraries that programs need.
import { posix } from 'node:path';
import { isElf, needsOf } from './elf.ts';
import { triplets, type Architecture, type Parts } from './recipes.ts';
import type { FileEntry, LinkEntry, TarEntry } from './tar.ts';

export interface PackageFiles {
  readonly name: string;
  readonly entries: readonly TarEntry[];
}
/** A file of an image, and the package it comes from. */
export interface OwnedEntry {
  readonly owner: string;
  readonly entry: FileEntry | LinkEntry;
}

export interface Shelf {
  find(path: string): OwnedEntry | undefined;
  inFolder(folder: string): readonly string[];
}

/** Where all packages put their files. Debian's /bin, /lib and so on are links into /usr. */
export function createShelf(packages: readonly PackageFiles[]): Shelf {
  const entries = new Map<string, OwnedEntry>();
  for (const { name: owner, entries: own } of packages)
    for (const entry of own)
      if (entry.kind !== 'directory')
        entries.set(inUsr(entry.path), { owner, entry: { ...entry, path: inUsr(entry.path) } });
  return {
    find: (path) => entries.get(inUsr(path)),
    inFolder: (folder) => [...entries.keys()].filter((path) => path.startsWith(folder)).toSorted(),
  };
}

export function inUsr(path: string): string {
  return path.replace(/^\/+/, '').replace(/^(bin|sbin|lib|lib64)\//, 'usr/$1/');
}

/** Everything that `parts` names. `have` are paths that an image has from a lower layer. */
export function collectParts(
  { files, links }: Omit<Parts, 'packages'>,
  shelf: Shelf,
  { arch, have }: { readonly arch: Architecture; readonly have: ReadonlySet<string> },
): readonly OwnedEntry[] {
  const wanted = files.map((path) => path.replace('TRIPLET', triplets[arch]));
  const paths = wanted.flatMap((path) => (path.endsWith('/') ? shelf.inFolder(path) : [path]));
  const found = new Map<string, OwnedEntry>();
  for (const path of paths) add(path, { shelf, arch, have, found });
  for (const [path, target] of Object.entries(links)) {
    const owner = found.get(posix.join(posix.dirname(path), target))?.owner;
    if (owner === undefined)
      throw new Error(`/${path} is a link to ${target}, which the image does not have`);
    found.set(path, { owner, entry: { kind: 'link', path, target } });
  }
  return [...found.values()];
}

interface Collecting {
  readonly shelf: Shelf;
  readonly arch: Architecture;
  readonly have: ReadonlySet<string>;
  readonly found: Map<string, OwnedEntry>;
}

function add(path: string, collecting: Collecting, forWhom?: string): void {
  const { shelf, found, have } = collecting;
  if (found.has(path) || have.has(path)) return;
  const owned = shelf.find(path);
  if (!owned) {
    const needed = forWhom === undefined ? '' : `, which ${forWhom} needs`;
    throw new Error(`none of the packages in tools/images/recipes.ts has /${path}${needed}`);
  }
  found.set(path, owned);
  for (const next of followers(owned.entry, collecting.arch)) add(next, collecting, `/${path}`);
}

/** The files without which this one is of no use. */
export function followers(entry: FileEntry | LinkEntry, arch: Architecture): readonly string[] {
  if (entry.kind === 'link') return [inUsr(posix.resolve('/', posix.dirname(entry.path), entry.target))];
  if (!isElf(entry.content)) return [];
  const { libraries, loader } = needsOf(entry.content);
  const needed = libraries.map((name) => `usr/lib/${triplets[arch]}/${name}`);
  return loader === undefined ? needed : [inUsr(loader), ...needed];
}

/** The copyright file of each package of which something is used. Some packages share that of another, by a link between folders. */
export function licencesOf(owned: readonly OwnedEntry[], shelf: Shelf): readonly OwnedEntry[] {
  const owners = [...new Set(owned.map(({ owner }) => owner))].toSorted();
  return owners.map((owner) => {
    const path = `usr/share/doc/${owner}/copyright`;
    const link = shelf.find(`usr/share/doc/${owner}`)?.entry;
    const at = link?.kind === 'link' ? `usr/share/doc/${posix.basename(link.target)}/copyright` : path;
    const entry = shelf.find(at)?.entry;
    if (entry?.kind !== 'file') throw new Error(`there is no /${at}, the licence of the package ${owner}`);
    return { owner, entry: { ...entry, path } };
  });
}
