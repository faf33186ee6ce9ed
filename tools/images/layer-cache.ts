// Layers that take long to make, kept by everything that they depend on.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { markUsed, prune } from './kept.ts';
import type { MadeLayer } from './layer.ts';
import { writeWhole } from './write-whole.ts';

export interface LayerCache {
  get<Facts extends object>(
    inputs: object,
    make: () => Promise<MadeLayer & Facts>,
  ): Promise<MadeLayer & Facts>;
  /** Removes layers of former inputs, such as former sources of this folder. */
  prune(): Promise<void>;
}

/** Files, two for each layer: both shared layers of both architectures, of two versions. */
const limits = { unusedMs: 7 * 24 * 60 * 60 * 1000, most: 16 };

export async function openLayerCache(folder: string): Promise<LayerCache> {
  await mkdir(folder, { recursive: true });
  const makers = await sourcesHere();
  return {
    get: async (inputs, make) => {
      const key = hashOf(JSON.stringify([inputs, makers, process.versions.zlib]));
      const file = (ending: string) => join(folder, `${key}.${ending}`);
      const files = [file('json'), file('blob')] as const;
      const [known, stored] = await Promise.all(files.map((one) => readFile(one).catch(() => undefined)));
      if (known && stored) {
        for (const one of files) await markUsed(one);
        return { ...(JSON.parse(known.toString('utf8')) as Awaited<ReturnType<typeof make>>), blob: stored };
      }
      const layer = await make();
      const { blob, ...facts } = layer;
      await writeWhole(file('blob'), blob);
      // Last, because it says that the layer is complete.
      await writeWhole(file('json'), JSON.stringify(facts));
      return layer;
    },
    prune: () => prune({ folder, ...limits }),
  };
}

/** The code of this folder, which decides what is in a layer. */
async function sourcesHere(): Promise<string> {
  const names = (await readdir(import.meta.dirname))
    .filter((name) => /(?<!\.test)\.ts$/.test(name))
    .toSorted();
  const sources = await Promise.all(names.map((name) => readFile(join(import.meta.dirname, name), 'utf8')));
  return hashOf(sources.join('\n'));
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
