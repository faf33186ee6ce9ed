import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { packageArchive } from './npm-package.ts';

/** An npm that fetches this content. */
async function setUp(content: string) {
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-npm-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const npm = join(folder, 'bin/npm');
  await mkdir(join(folder, 'bin'));
  await writeFile(npm, `#!/bin/sh\nfor last; do :; done\nprintf %s '${content}' >"$last/a-b-1.0.0.tgz"\n`);
  await chmod(npm, 0o755);
  vi.stubEnv('PATH', `${join(folder, 'bin')}${delimiter}${process.env['PATH']}`);
  const said = vi.spyOn(console, 'error').mockReturnValue();
  onTestFinished(() => void vi.unstubAllEnvs());
  onTestFinished(() => said.mockRestore());
  const integrity = `sha512-${createHash('sha512').update('pinned').digest('base64')}`;
  const fetch = () => packageArchive({ name: '@a/b', version: '1.0.0', integrity }, join(folder, 'cache'));
  return { fetch, said };
}

test('a package that was altered in the cache is fetched again, and the output says so', async () => {
  const { fetch, said } = await setUp('pinned');
  const archive = await fetch();
  expect(await fetch()).toBe(archive);
  expect(said).not.toHaveBeenCalled();
  await writeFile(archive, 'altered');
  expect(await readFile(await fetch(), 'utf8')).toBe('pinned');
  expect(said.mock.calls.flat().join()).toContain(`${archive} is not what was stored`);
});

test('a package that is not the one that is pinned is an error', async () => {
  const { fetch } = await setUp('another');
  await expect(fetch()).rejects.toThrow('@a/b 1.0.0 is not the package that was pinned');
});
