import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { beforeEach, expect, onTestFinished, test, vi, type MockInstance } from 'vitest';
import { openLayerCache, type LayerCache } from './layer-cache.ts';

let folder: string;
let cache: LayerCache;
let said: MockInstance<typeof console.error>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pod-identity-layers-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  cache = await openLayerCache(folder);
  said = vi.spyOn(console, 'error').mockReturnValue();
  onTestFinished(() => said.mockRestore());
});
const archive = Buffer.from('an archive');
const files = async () => (await readdir(folder)).map((name) => join(folder, name));

test('an archive is compressed once', async () => {
  const first = await cache.gzip(archive);
  const [file = ''] = await files();
  const before = await readFile(file);
  expect(gunzipSync(first)).toEqual(archive);
  expect(await cache.gzip(archive)).toEqual(first);
  await cache.gzip(Buffer.from('another'));
  expect(await files()).toHaveLength(2);
  expect(await readFile(file)).toEqual(before);
  expect(said).not.toHaveBeenCalled();
});

test('a file with any one byte altered does not get into an image, is replaced, and the output says so', async () => {
  const first = await cache.gzip(archive);
  const [file = ''] = await files();
  const intact = await readFile(file);
  for (const [place, byte] of intact.entries()) {
    const altered = Buffer.from(intact);
    altered[place] = byte ^ 0xff;
    await writeFile(file, altered);
    expect(await cache.gzip(archive)).toEqual(first);
    expect(await readFile(file)).toEqual(intact);
    expect(said.mock.calls).toEqual([[`${file} is not what was stored: it is replaced`]]);
    said.mockClear();
  }
});

test('a file that was truncated does not get into an image', async () => {
  const first = await cache.gzip(archive);
  const [file = ''] = await files();
  for (const bytes of [0, 31, 32, 40]) {
    await truncate(file, bytes);
    expect(await cache.gzip(archive)).toEqual(first);
  }
});

test.each(['something else', 'something that is much longer than the archive'])(
  'a file with the right checksum of other content does not get into an image: %s',
  async (content) => {
    const first = await cache.gzip(archive);
    const [file = ''] = await files();
    const blob = gzipSync(content);
    await writeFile(file, Buffer.concat([createHash('sha256').update(blob).digest(), blob]));
    expect(await cache.gzip(archive)).toEqual(first);
    expect(said).toHaveBeenCalledOnce();
  },
);

test('of many archives the cache keeps a few', async () => {
  for (let input = 0; input < 10; input += 1) await cache.gzip(Buffer.from(`${input}`));
  await cache.prune();
  expect(await files()).toHaveLength(8);
});
