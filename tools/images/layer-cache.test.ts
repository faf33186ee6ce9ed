import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { makeLayer } from './layer.ts';
import { openLayerCache, type LayerCache } from './layer-cache.ts';

let folder: string;
let cache: LayerCache;
let made: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pod-identity-layers-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  cache = await openLayerCache(folder);
  made = [];
});
const get = (input: string) =>
  cache.get({ input }, () => {
    made.push(input);
    return Promise.resolve({ ...makeLayer({ title: input, owned: [], seconds: 0 }), fact: input });
  });

test('a layer is made once for the same inputs', async () => {
  const first = await get('one');
  expect(await get('one')).toEqual(first);
  expect(await get('two')).toMatchObject({ fact: 'two' });
  expect(made).toEqual(['one', 'two']);
});

test('a layer of which another build has removed a part is made again', async () => {
  for (const ending of ['.blob', '.json']) {
    await get('one');
    for (const name of await readdir(folder)) if (name.endsWith(ending)) await rm(join(folder, name));
    expect(await get('one')).toMatchObject({ fact: 'one' });
  }
  expect(made).toEqual(['one', 'one', 'one']);
});

test('of the layers of many inputs the cache keeps a few', async () => {
  for (let input = 0; input < 20; input += 1) await get(`${input}`);
  await cache.prune();
  expect((await readdir(folder)).length).toBe(16);
});
