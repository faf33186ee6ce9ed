import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { readTar, writeTar, type TarEntry } from './tar.ts';

const hasGnuTar = String(spawnSync('tar', ['--version']).stdout).includes('GNU tar');
if (!hasGnuTar) console.warn('tests with GNU tar are skipped: tar is another program here, as on macOS');

const long = `${'folder/'.repeat(18)}file`;
const entries: readonly TarEntry[] = [
  { kind: 'directory', path: 'tmp', mode: 0o1777 },
  { kind: 'file', path: 'usr/bin/program', mode: 0o755, content: Buffer.from('a program') },
  { kind: 'file', path: 'empty', mode: 0o644, content: Buffer.alloc(0) },
  { kind: 'link', path: 'bin', target: 'usr/bin' },
  { kind: 'file', path: long, mode: 0o644, content: Buffer.alloc(1024, 'x') },
];

test('what is written can be read again', () => {
  expect(readTar(writeTar(entries, 0))).toEqual(entries);
});

test.skipIf(!hasGnuTar)('GNU tar reads the archive: names, rights, owners and times', () => {
  const { stdout, status } = spawnSync(
    'tar',
    ['--list', '--verbose', '--numeric-owner', '--utc', '--full-time', '--file=-'],
    {
      input: writeTar(entries, 1_700_000_000),
      encoding: 'utf8',
    },
  );
  expect(status).toBe(0);
  expect(stdout.split('\n').map((line) => line.replaceAll(/ +/g, ' '))).toEqual([
    'drwxrwxrwt 0/0 0 2023-11-14 22:13:20 tmp/',
    '-rwxr-xr-x 0/0 9 2023-11-14 22:13:20 usr/bin/program',
    '-rw-r--r-- 0/0 0 2023-11-14 22:13:20 empty',
    'lrwxrwxrwx 0/0 0 2023-11-14 22:13:20 bin -> usr/bin',
    `-rw-r--r-- 0/0 1024 2023-11-14 22:13:20 ${long}`,
    '',
  ]);
});

test.skipIf(!hasGnuTar).each(['gnu', 'pax'])(
  'an archive that tar writes in the format %s can be read',
  (format) => {
    const name = 'n'.repeat(150);
    const script = `cd "$(mktemp -d)" && echo text >${name} && ln -s ${name} soft && ln ${name} hard && tar --format=${format} -c ./${name} ./soft ./hard`;
    const { stdout } = spawnSync('sh', ['-c', script], { encoding: 'buffer' });
    const content = Buffer.from('text\n');
    expect(readTar(stdout)).toEqual([
      { kind: 'file', path: name, mode: 0o644, content },
      { kind: 'link', path: 'soft', target: name },
      { kind: 'file', path: 'hard', mode: 0o644, content },
    ]);
  },
);

test('a name that does not fit in the format is an error that names it', () => {
  const target = 'n'.repeat(300);
  const file = { kind: 'file', path: target, mode: 0o644, content: Buffer.alloc(0) } as const;
  expect(() => writeTar([file], 0)).toThrow(`${target}: the name is too long`);
  expect(() => writeTar([{ kind: 'link', path: 'link', target }], 0)).toThrow('link: its target is too long');
});
