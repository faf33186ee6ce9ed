import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { markUsed, outdated, prune } from './kept.ts';

const day = 24 * 60 * 60 * 1000;
const usedBefore = (days: number) => ({ name: `${days} days`, usedAtMs: 100 * day - days * day });
const limits = { nowMs: 100 * day, unusedMs: 7 * day, most: 3 };

test('what no build has used for longer than the limit is removed', () => {
  expect(outdated([7, 8, 0].map(usedBefore), limits)).toEqual(['8 days']);
});

test('of more than the limit those stay that were used last', () => {
  expect(outdated([4, 1, 3, 2, 5].map(usedBefore), limits)).toEqual(['4 days', '5 days']);
});

test('a folder is pruned by the last use of each file, and of files with other names none is touched', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-kept-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const longAgo = new Date(Date.now() - 8 * day);
  for (const name of ['a.kept', 'b.kept', 'c.kept', 'd']) {
    await writeFile(join(folder, name), '');
    if (name !== 'c.kept') await utimes(join(folder, name), longAgo, longAgo);
  }
  await markUsed(join(folder, 'b.kept'));
  await prune({ folder, isKept: /kept$/, unusedMs: 7 * day, most: 10 });
  expect((await readdir(folder)).toSorted()).toEqual(['b.kept', 'c.kept', 'd']);
});

test('a folder that is not there, and a file that is gone, are no errors', async () => {
  const folder = join(tmpdir(), 'pod-identity-none');
  await prune({ folder, unusedMs: 0, most: 0 });
  await markUsed(join(folder, 'a'));
});
