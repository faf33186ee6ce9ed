// Runs the steps that publish and announce a release, with an npm and a gh that note what they are asked for.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { repository } from '../stage/places.ts';

const execute = promisify(execFile);
const missing = whyNoPrograms({ programs: ['jq'] });

interface Job {
  readonly steps: readonly { readonly run?: string; readonly 'working-directory'?: string }[];
}

interface Made {
  readonly manifest?: object;
  readonly version?: string;
  readonly notes?: string;
  readonly bill?: string;
}

const publishConfig = { access: 'public', provenance: true };
const manifestOfA = { name: '@pod-identity/a', version: '1.0.0', publishConfig };

const filesOf = async (
  folder: string,
  { manifest = manifestOfA, version = '1.0.0', notes = 'a.md', bill = 'a.spdx.json' }: Made,
) => {
  await mkdir(join(folder, 'package'));
  await writeFile(join(folder, 'package/package.json'), JSON.stringify(manifest));
  await execute('tar', ['-czf', join(folder, 'made.tgz'), '-C', folder, 'package']);
  const entry = (name: string) => ({
    name: `@pod-identity/${name}`,
    version,
    archive: `${name}.tgz`,
    notes,
    bill,
  });
  return {
    'a.tgz': await readFile(join(folder, 'made.tgz')),
    'b.tgz': Buffer.from('the library b'),
    'a.spdx.json': Buffer.from('{}'),
    'a.md': Buffer.from('notes'),
    'packages.json': Buffer.from(JSON.stringify(['a', 'b'].map(entry))),
  };
};

/** npm has version 1.0.0 of b, and GitHub its release. */
async function setUp(made: Made = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-steps-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const files = await filesOf(folder, made);
  await mkdir(join(folder, 'bin'));
  await mkdir(join(folder, 'release'));
  const tool = async (name: string, script: string) => {
    await writeFile(join(folder, 'bin', name), `#!/bin/sh\n${script}\necho "${name} $@" >>${folder}/asked\n`);
    await chmod(join(folder, 'bin', name), 0o755);
  };
  await tool(
    'npm',
    `[ "$1 $3" = "view @pod-identity/b@1.0.0" ] && echo 1.0.0; [ "$1" = view ] && exit 1; [ -e .npmrc ] && echo "with .npmrc" >>${folder}/asked`,
  );
  await tool('gh', '[ "$2" = view ] && { [ "$3" = @pod-identity/b@1.0.0 ]; exit; }');
  const sums = Object.entries(files).map(
    ([name, content]) => `${createHash('sha256').update(content).digest('hex')}  ${name}`,
  );
  const put = (name: string, content: Buffer | string) => writeFile(join(folder, 'release', name), content);
  for (const [name, content] of Object.entries(files)) await put(name, content);
  const env = {
    PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH']}`,
    CHECKSUMS: `${sums.join('\n')}\n`,
    GITHUB_SHA: 'abc',
    TMPDIR: folder,
  };
  const text = await readFile(join(repository, '.github/workflows/release.yml'), 'utf8');
  const { jobs } = parse(text) as { readonly jobs: Readonly<Record<string, Job>> };
  const run = async (job: string, more: NodeJS.ProcessEnv = {}) => {
    for (const step of jobs[job]?.steps ?? [])
      if (step.run !== undefined)
        await execute('bash', ['-e', '-c', step.run], {
          cwd: join(folder, step['working-directory'] ?? '.'),
          env: { ...env, ...more },
        });
  };
  const read = (name: string) => readFile(join(folder, name), 'utf8').catch(() => '');
  const alter = (name: keyof typeof files) => put(name, Buffer.concat([files[name], Buffer.from(' ')]));
  const link = (target: string, name: string) => symlink(target, join(folder, 'release', name));
  return { run, read, put, alter, link };
}

test.skipIf(missing)('what npm does not have is published, without scripts', async () => {
  const { run, read } = await setUp();
  await run('publish');
  expect(await read('asked')).toBe(
    'npm publish ./package.tgz --access public --ignore-scripts --provenance\n',
  );
});

test.skipIf(missing)('what has no release gets one, with its notes and its SBOM', async () => {
  const { run, read } = await setUp();
  await run('announce');
  const tag = '@pod-identity/a@1.0.0';
  expect(await read('asked')).toBe(
    `gh release create ${tag} a.spdx.json --target abc --title ${tag} --notes-file a.md\n`,
  );
});

test.skipIf(missing)(
  'settings of npm that the build made, in an .npmrc beside the archives, are not read',
  async () => {
    const { run, read, put } = await setUp();
    await put('.npmrc', 'https-proxy=http://127.0.0.1:1\nstrict-ssl=false\n');
    await run('publish');
    expect(await read('asked')).toMatch(/^npm publish .*\n$/);
  },
);

test.skipIf(missing)('an archive whose publishConfig has settings of npm ends the job', async () => {
  for (const more of [
    { 'https-proxy': 'http://127.0.0.1:1', 'strict-ssl': false },
    { registry: 'http://a' },
  ]) {
    const manifest = { ...manifestOfA, publishConfig: { ...publishConfig, ...more } };
    const { run, read } = await setUp({ manifest });
    await expect(run('publish')).rejects.toThrow('Command failed');
    expect(await read('asked')).toBe('');
  }
});

test.skipIf(missing).each(['/proc/self/environ', '../a.md', '-'])(
  'the file %s gets into no release: a file that the build names must be one that it made',
  async (file) => {
    const lines = { version: `2.0.0 ${file} a.spdx.json\n@pod-identity/c@1.0.0` };
    for (const made of [{ notes: file }, { bill: file }, { notes: `${file}\na.md` }, lines]) {
      const { run, read } = await setUp(made);
      await expect(run('announce')).rejects.toThrow('no files of a release');
      expect(await read('asked')).toBe('');
    }
  },
);

test.skipIf(missing)('a link gets into no release', async () => {
  const { run, read, link } = await setUp({ notes: 'link.md' });
  await link('/proc/self/environ', 'link.md');
  await expect(run('announce')).rejects.toThrow('no files of a release');
  expect(await read('asked')).toBe('');
});

test.each(['publish', 'announce'])(
  'a file that is not what the build made ends the job %s before anything is published',
  async (job) => {
    for (const name of ['a.tgz', 'packages.json'] as const) {
      const { run, read, alter } = await setUp();
      await alter(name);
      await expect(run(job)).rejects.toThrow('did NOT match');
      expect(await read('asked')).toBe('');
    }
  },
);

test('a build without checksums ends the job', async () => {
  const { run, read } = await setUp();
  await expect(run('publish', { CHECKSUMS: '' })).rejects.toThrow('no properly formatted');
  expect(await read('asked')).toBe('');
});
