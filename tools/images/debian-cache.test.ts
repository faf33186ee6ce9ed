import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openDebian } from './debian.ts';
import { run } from './run.ts';

const missing = whyNoPrograms({ programs: ['dpkg-deb'] });

/** A package without compression, in which an altered byte is not noticed when it is opened, and an apt-get that fetches it. */
async function setUp() {
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-debian-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'tool/DEBIAN'), { recursive: true });
  const control = [
    'Package: tool',
    'Version: 1',
    'Architecture: all',
    'Maintainer: a <a@b>',
    'Description: a',
  ];
  await writeFile(join(folder, 'tool/DEBIAN/control'), `${control.join('\n')}\n`);
  await writeFile(join(folder, 'tool/program'), 'what Debian has built');
  const file = 'tool_1_all.deb';
  await run('dpkg-deb', ['--root-owner-group', '-Znone', '--build', 'tool', file], folder);
  const apt = join(folder, 'bin/apt-get');
  await mkdir(join(folder, 'bin'));
  await writeFile(apt, `#!/bin/sh\necho fetched >>${folder}/log\ncp ${folder}/${file} .\n`);
  await chmod(apt, 0o755);
  vi.stubEnv('PATH', `${join(folder, 'bin')}${delimiter}${process.env['PATH']}`);
  onTestFinished(() => void vi.unstubAllEnvs());
  const sha256 = createHash('sha256')
    .update(await readFile(join(folder, file)))
    .digest('hex');
  const cache = join(folder, 'cache');
  const open = async () => {
    const [opened] = await openDebian('amd64', cache).open([{ name: 'tool', version: '1', file, sha256 }]);
    const entry = opened?.entries.find(({ path }) => path === 'program');
    return entry?.kind === 'file' ? entry.content.toString() : undefined;
  };
  const kept = async () => join(cache, 'packages', (await readdir(join(cache, 'packages')))[0]!);
  const fetches = async () => (await readFile(join(folder, 'log'), 'utf8')).split('\n').length - 1;
  return { open, kept, fetches };
}

test.skipIf(missing)(
  'a package that was altered in the cache is fetched again, and the output says so',
  async () => {
    const said = vi.spyOn(console, 'error').mockReturnValue();
    onTestFinished(() => said.mockRestore());
    const { open, kept, fetches } = await setUp();
    expect([await open(), await open(), await fetches()]).toEqual([
      ...Array(2).fill('what Debian has built'),
      1,
    ]);
    expect(said).not.toHaveBeenCalled();
    const file = await kept();
    const content = await readFile(file, 'latin1');
    await writeFile(file, content.replace('what Debian', 'what others'), 'latin1');
    expect(await open()).toBe('what Debian has built');
    expect(await fetches()).toBe(2);
    expect(said.mock.calls.flat().join()).toContain(`${file} is not what was stored`);
  },
);
