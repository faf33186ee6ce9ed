// Layers that take long to make, kept by everything that they depend on.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MadeLayer } from './layer.ts';
import { writeWhole } from './write-whole.ts';

export interface LayerCache {
  get<Facts extends object>(
    inputs: object,
    make: () => Promise<MadeLayer & Facts>,
  ): Promise<MadeLayer & Facts>;
}

export async function openLayerCache(folder: string): Promise<LayerCache> {
  await mkdir(folder, { recursive: true });
  const makers = await sourcesHere();
  return {
    get: async (inputs, make) => {
      const key = hashOf(JSON.stringify([inputs, makers, process.versions.zlib]));
      const file = (ending: string) => join(folder, `${key}.${ending}`);
      const known = await readFile(file('json'), 'utf8').catch(() => undefined);
      if (known !== undefined)
        return {
          ...(JSON.parse(known) as Awaited<ReturnType<typeof make>>),
          blob: await readFile(file('blob')),
        };
      const layer = await make();
      const { blob, ...facts } = layer;
      await writeWhole(file('blob'), blob);
      // Last, because it says that the layer is complete.
      await writeWhole(file('json'), JSON.stringify(facts));
      return layer;
    },
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
