import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { rooms } from '../workspace/rooms.mjs';
import { headFile, roomLines } from './rooms-list.ts';

test('the lines on a room are the first two of its head file, in exactly this form', () => {
  expect(roomLines('// Room: a.\n// It must not b.\nimport x;\n')).toEqual({ purpose: 'a.', mustNot: 'b.' });
  expect(roomLines('import x;\n// Room: a.\n// It must not b.\n')).toBeUndefined();
  expect(roomLines('#!/usr/bin/env node\n// Room: a.\n// It must not b.\n')?.purpose).toBe('a.');
  expect(roomLines('// Room: a.\nimport x;\n')).toBeUndefined();
});

test('the head file has the name of the folder, else it is index.ts or main.ts, unless the list names it', () => {
  const among =
    (...files: string[]) =>
    (path: unknown) =>
      files.includes(String(path));
  const folder = 'packages/a/src/plan';
  expect(headFile({ folder }, among(`${folder}/index.ts`, `${folder}/plan.ts`))).toBe(`${folder}/plan.ts`);
  expect(headFile({ folder }, among(`${folder}/main.ts`))).toBe(`${folder}/main.ts`);
  expect(headFile({ folder, head: 'other' }, among(`${folder}/plan.ts`))).toBeUndefined();
});

describe('the list of rooms', () => {
  test.each(rooms.map((room) => [room.folder, room] as const))('%s names files that exist', (_, room) => {
    const { folder, pure = [], never = [] } = room;
    const file = headFile(room) ?? 'none';
    expect(
      existsSync(file) && roomLines(readFileSync(file, 'utf8')),
      `the two lines in ${file}`,
    ).toBeTruthy();
    const names = pure === 'all' ? [] : 'except' in pure ? pure.except : pure;
    const paths = [...names.map((name) => `${folder}/${name}.ts`), ...never];
    expect(paths.filter((path) => !existsSync(path))).toEqual([]);
  });

  test('has every folder at the top of a package', () => {
    const folders = readdirSync('packages').flatMap((name) =>
      readdirSync(`packages/${name}/src`, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && entry.name !== 'test')
        .map((entry) => `packages/${name}/src/${entry.name}`),
    );
    const listed = rooms.map(({ folder }) => folder);
    expect(folders.filter((folder) => !listed.includes(folder))).toEqual([]);
  });
});
