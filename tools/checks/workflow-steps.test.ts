// Runs the steps that publish and announce a release, with an npm and a gh that note what they are asked for.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
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
  readonly steps: readonly { readonly run?: string }[];
}

const files: Readonly<Record<string, string>> = {
  'a.tgz': 'the library a',
  'b.tgz': 'the library b',
  'a.spdx.json': '{}',
  'a.md': 'notes',
  'packages.json': JSON.stringify(
    ['a', 'b'].map((name) => ({
      name: `@pod-identity/${name}`,
      version: '1.0.0',
      archive: `${name}.tgz`,
      notes: 'a.md',
      bill: 'a.spdx.json',
    })),
  ),
};

/** npm has version 1.0.0 of b, and GitHub its release. */
async function setUp() {
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-steps-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'bin'));
  const tool = async (name: string, script: string) => {
    await writeFile(join(folder, 'bin', name), `#!/bin/sh\n${script}\necho "${name} $@" >>${folder}/asked\n`);
    await chmod(join(folder, 'bin', name), 0o755);
  };
  await tool('npm', '[ "$1 $2" = "view @pod-identity/b@1.0.0" ] && echo 1.0.0; [ "$1" = view ] && exit 1');
  await tool('gh', '[ "$2" = view ] && { [ "$3" = @pod-identity/b@1.0.0 ]; exit; }');
  const sums = Object.entries(files).map(
    ([name, content]) => `${createHash('sha256').update(content).digest('hex')}  ${name}`,
  );
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const env = {
    PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH']}`,
    CHECKSUMS: `${sums.join('\n')}\n`,
    GITHUB_OUTPUT: join(folder, 'output'),
    GITHUB_SHA: 'abc',
  };
  const text = await readFile(join(repository, '.github/workflows/release.yml'), 'utf8');
  const { jobs } = parse(text) as { readonly jobs: Readonly<Record<string, Job>> };
  const run = async (job: string, more: NodeJS.ProcessEnv = {}) => {
    for (const step of jobs[job]?.steps ?? [])
      if (step.run !== undefined)
        await execute('bash', ['-e', '-c', step.run], { cwd: folder, env: { ...env, ...more } });
  };
  const read = (name: string) => readFile(join(folder, name), 'utf8').catch(() => '');
  const alter = (name: string) => writeFile(join(folder, name), files[name]!.replace('l', 'L'));
  return { run, read, alter };
}

test.skipIf(missing)('what npm does not have is published, without scripts', async () => {
  const { run, read } = await setUp();
  await run('publish');
  expect(await read('asked')).toBe('npm publish ./a.tgz --access public --ignore-scripts --provenance\n');
  expect(await read('output')).toBe('published=true\n');
});

test.skipIf(missing)('what has no release gets one, with its notes and its SBOM', async () => {
  const { run, read } = await setUp();
  await run('announce');
  const tag = '@pod-identity/a@1.0.0';
  expect(await read('asked')).toBe(
    `gh release create ${tag} a.spdx.json --target abc --title ${tag} --notes-file a.md\n`,
  );
});

test.each(['publish', 'announce'])(
  'a file that is not what the build made ends the job %s before anything is published',
  async (job) => {
    for (const name of ['a.tgz', 'packages.json']) {
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
