// The layers that do not depend on a service: Node with its libraries, the same for all images, and programs of Debian.
import {
  collectParts,
  createShelf,
  followers,
  inUsr,
  licencesOf,
  type OwnedEntry,
  type Shelf,
} from './collect.ts';
import type { Debian, DebianPackage } from './debian.ts';
import { withoutSections } from './elf.ts';
import { makeSharedLayer, type MadeLayer } from './layer.ts';
import type { LayerCache } from './layer-cache.ts';
import { nodePackage, openNode } from './node-binary.ts';
import { nodeLibraries, type Architecture, type Parts } from './recipes.ts';
import type { DirectoryEntry } from './tar.ts';

export interface SharedLayer extends MadeLayer {
  /** The packages of Debian of which something is in the layer. */
  readonly debian: readonly Omit<DebianPackage, 'entries'>[];
}

export interface Sources {
  readonly arch: Architecture;
  readonly debian: Debian;
  readonly layers: LayerCache;
  /** Where downloads are kept. */
  readonly cache: string;
}

/** The same in every build of the same packages. */
const seconds = 0;

export async function nodeLayer({ arch, debian, layers, cache }: Sources): Promise<SharedLayer> {
  const packages = await debian.open(await debian.list(nodeLibraries));
  const shelf = createShelf(packages);
  const own = await nodeFiles(arch, cache);
  const files = own.flatMap(({ entry }) => followers(entry, arch));
  const libraries = collectParts({ files, links: {} }, shelf, { arch, have: new Set() });
  const folders: DirectoryEntry[] = [
    { kind: 'directory', path: 'run', mode: 0o755 },
    { kind: 'directory', path: 'tmp', mode: 0o1777 },
  ];
  const owned = [...own, ...system(libraries), ...libraries, ...licencesOf(libraries, shelf)];
  const title = `Node ${nodePackage(arch).version} and its libraries`;
  const layer = await makeSharedLayer({ title, owned, folders, seconds }, layers);
  return { ...layer, debian: usedOf(packages, libraries) };
}

export async function programsLayer(
  parts: Parts,
  base: SharedLayer,
  { arch, debian, layers }: Sources,
): Promise<SharedLayer> {
  const packages = await debian.open(await debian.list(parts.packages));
  const shelf: Shelf = createShelf(packages);
  const found = collectParts(parts, shelf, { arch, have: new Set(base.paths) });
  const owned = [...found, ...licencesOf(found, shelf)];
  const layer = await makeSharedLayer({ title: 'Programs of Debian', owned, seconds }, layers);
  return { ...layer, debian: usedOf(packages, found) };
}

function usedOf(packages: readonly DebianPackage[], owned: readonly OwnedEntry[]): SharedLayer['debian'] {
  const owners = new Set(owned.map(({ owner }) => owner));
  return packages.flatMap(({ name, version, file, sha256, architecture, source }) =>
    owners.has(name) ? [{ name, version, file, sha256, architecture, source }] : [],
  );
}

async function nodeFiles(arch: Architecture, cache: string): Promise<readonly OwnedEntry[]> {
  const { node, licence } = await openNode(arch, cache);
  const { name: owner } = nodePackage(arch);
  return [
    { owner, entry: { ...node, path: 'usr/bin/node', mode: 0o755, content: withoutSections(node.content) } },
    { owner, entry: { ...licence, path: 'usr/share/doc/nodejs/LICENSE', mode: 0o644 } },
  ];
}

/** What a package manager would have made. */
function system(libraries: readonly OwnedEntry[]): readonly OwnedEntry[] {
  const owner = 'image';
  const file = (path: string, lines: readonly string[]): OwnedEntry => ({
    owner,
    entry: { kind: 'file', path, mode: 0o644, content: Buffer.from(`${lines.join('\n')}\n`) },
  });
  const roots = ['bin', 'sbin', 'lib', 'lib64'].filter(
    (name) => name !== 'lib64' || libraries.some(({ entry }) => entry.path.startsWith('usr/lib64/')),
  );
  return [
    ...roots.map((path): OwnedEntry => ({
      owner,
      entry: { kind: 'link', path, target: inUsr(`${path}/`).replace(/\/$/, '') },
    })),
    file('etc/passwd', [
      'root:x:0:0:root:/:/usr/sbin/nologin',
      'nonroot:x:65532:65532:nonroot:/:/usr/sbin/nologin',
    ]),
    file('etc/group', ['root:x:0:', 'nonroot:x:65532:']),
    // hostAliases of a pod are in /etc/hosts.
    file('etc/nsswitch.conf', ['hosts: files dns']),
  ];
}
