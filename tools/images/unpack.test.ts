import { lstat, mkdtemp, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeLayer } from './layer.ts';
import { unpackLayer } from './unpack.ts';

const layer = makeLayer({
  title: 'a program',
  owned: [
    {
      owner: 'one',
      entry: { kind: 'file', path: 'usr/bin/tool', mode: 0o755, content: Buffer.from('content') },
    },
    { owner: 'one', entry: { kind: 'link', path: 'bin', target: 'usr/bin' } },
  ],
  folders: [{ kind: 'directory', path: 'tmp', mode: 0o1777 }],
  seconds: 0,
});

test('a layer becomes files, links and folders with their rights and one time, and nothing else stays in the folder', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'pod-identity-unpack-'));
  onTestFinished(() => rm(parent, { recursive: true }));
  const folder = join(parent, 'layer');
  await unpackLayer(layer, folder, 1);
  await writeFile(join(folder, 'of-an-earlier-build'), '');
  await unpackLayer(layer, folder, 7);

  expect(await readFile(join(folder, 'usr/bin/tool'), 'utf8')).toBe('content');
  expect(await readlink(join(folder, 'bin'))).toBe('usr/bin');
  await expect(lstat(join(folder, 'of-an-earlier-build'))).rejects.toThrow('ENOENT');
  const factsOf = async (path: string) => {
    const { mode, mtimeMs } = await stat(join(folder, path));
    return [path, (mode & 0o7777).toString(8), mtimeMs];
  };
  expect(await Promise.all(['usr', 'usr/bin', 'usr/bin/tool', 'tmp'].map(factsOf))).toEqual([
    ['usr', '755', 7000],
    ['usr/bin', '755', 7000],
    ['usr/bin/tool', '755', 7000],
    ['tmp', '1777', 7000],
  ]);
});
