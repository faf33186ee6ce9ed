import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test as plainTest } from 'vitest';
import { isElf, needsOf, withoutSections } from './elf.ts';

const isLinux = process.platform === 'linux';
if (!isLinux) console.warn('tests of the programs in images are skipped: they run on Linux');
const test = plainTest.skipIf(!isLinux);

const folder = mkdtempSync(join(tmpdir(), 'pod-identity-'));
afterAll(() => rmSync(folder, { recursive: true }));
const node = readFileSync(process.execPath);

test('the libraries and the loader of a program', () => {
  const { libraries, loader } = needsOf(node);
  expect(libraries).toContain('libc.so.6');
  expect(loader).toMatch(/^\/lib.*\/ld-linux/);
});

test('without its sections a program is smaller and runs', () => {
  const program = join(folder, 'node');
  const kept = withoutSections(node);
  writeFileSync(program, kept);
  chmodSync(program, 0o755);
  expect(kept.length).toBeLessThan(node.length);
  expect(spawnSync(program, ['-p', 'process.version'], { encoding: 'utf8' }).stdout).toBe(
    `${process.version}\n`,
  );
});

test('a script is no program of this format', () => {
  expect([isElf(node), isElf(Buffer.from('#!/bin/sh')), isElf(Buffer.alloc(0))]).toEqual([
    true,
    false,
    false,
  ]);
});
