// Compressed archives of layers, which take seconds to make. The archives themselves are made again in each build, of packages whose digests are
// checked: what is kept here is used only if it is the compressed form of exactly that archive.
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { prune, readKept } from './kept.ts';
import { writeWhole } from './write-whole.ts';

export interface LayerCache {
  gzip(archive: Buffer): Promise<Buffer>;
  /** Removes those of former archives. */
  prune(): Promise<void>;
}

/** Both shared layers of both architectures, of two versions. */
const limits = { unusedMs: 7 * 24 * 60 * 60 * 1000, most: 8 };

export async function openLayerCache(folder: string): Promise<LayerCache> {
  await mkdir(folder, { recursive: true });
  return {
    gzip: async (archive) => {
      const file = join(folder, `${hashOf(archive).toString('hex')}-zlib-${process.versions.zlib}`);
      const stored = await readKept(file, (content) => isOf(archive, content));
      if (stored) return stored.subarray(hashBytes);
      const blob = compress(archive);
      await writeWhole(file, Buffer.concat([hashOf(blob), blob]));
      return blob;
    },
    prune: () => prune({ folder, ...limits }),
  };
}

/**
 * The best level takes three times as long for 0.3 % less. Of zstd, which makes 17 % less, containerd before 1.5 and Docker before 23 know
 * nothing.
 */
export function compress(archive: Buffer): Buffer {
  return gzipSync(archive);
}

const hashBytes = 32;

/** The checksum before it also covers the few bytes that do not change what is unpacked. */
function isOf(archive: Buffer, stored: Buffer): boolean {
  const blob = stored.subarray(hashBytes);
  if (!hashOf(blob).equals(stored.subarray(0, hashBytes))) return false;
  try {
    return gunzipSync(blob, { maxOutputLength: archive.length }).equals(archive);
  } catch {
    return false;
  }
}

function hashOf(content: Buffer): Buffer {
  return createHash('sha256').update(content).digest();
}
