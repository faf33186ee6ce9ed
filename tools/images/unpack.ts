// Writes the layers of an image as folders: for a Containerfile, which copies them.
import { chmod, mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Layer } from './oci.ts';
import { readTar, type TarEntry } from './tar.ts';

/** `seconds` is the time of every file. */
export async function unpackLayer({ blob }: Layer, folder: string, seconds: number): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const entries = readTar(gunzipSync(blob));
  for (const entry of entries) await place(entry, join(folder, entry.path));
  // Last, and from the inside out: a file that is written changes the time of its folder.
  for (const { kind, path } of entries.toReversed())
    if (kind !== 'link') await utimes(join(folder, path), seconds, seconds);
}

async function place(entry: TarEntry, path: string): Promise<void> {
  if (entry.kind === 'link') {
    await symlink(entry.target, path);
    return;
  }
  if (entry.kind === 'file') await writeFile(path, entry.content);
  else await mkdir(path);
  // Beyond what the umask allows.
  await chmod(path, entry.mode);
}
