// Runs the job of release.yml that pushes what the build made of the changesets, with a real git and a gh that notes what it is asked for.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { repository } from '../stage/places.ts';

const execute = promisify(execFile);

type Files = Readonly<Record<string, string | undefined>>;

const json = (value: object) => `${JSON.stringify(value, undefined, 2)}\n`;
/** A workspace of one library and a program that needs it, at a version of the library. */
const filesAt = (version: string) => {
  const library = { name: '@pod-identity/imds-client', version };
  const dependencies = { '@pod-identity/imds-client': version, pino: '9.0.0' };
  const program = { name: '@pod-identity/mic', private: true, scripts: { build: 'tsup' }, dependencies };
  return {
    'packages/imds-client/package.json': json(library),
    'packages/imds-client/CHANGELOG.md': `# Changes\n\n## ${version}\n`,
    'packages/imds-client/src/version.ts': `export const version = '${version}';\n`,
    'packages/mic/package.json': json(program),
    'package-lock.json': json({
      packages: {
        'packages/imds-client': library,
        'packages/mic': program,
        'node_modules/pino': { version: '9.0.0', resolved: 'https://a/pino.tgz', integrity: 'sha512-x' },
      },
    }),
  };
};
const before: Files = {
  ...filesAt('0.1.0'),
  '.changeset/a.md': 'a change\n',
  '.changeset/config.json': '{}\n',
  '.github/workflows/release.yml': 'on: push\n',
  'packages/mic/src/main.ts': 'start();\n',
};
/** What `bootstrap.mjs release:version` makes of it. */
const after: Files = { ...filesAt('0.2.0'), '.changeset/a.md': undefined };

/** `change` is made to the files of the release before the build packs them; undefined removes a file. */
async function propose(change: Files, further: (folder: string) => Promise<void> = () => Promise.resolve()) {
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-patch-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const place = join(folder, 'checkout');
  const settings = ['user.name=a', 'user.email=a@localhost', 'commit.gpgsign=false'];
  const git = async (...args: string[]) =>
    (await execute('git', [...settings.flatMap((one) => ['-c', one]), ...args], { cwd: place })).stdout;
  const put = async (files: Files) => {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(place, name)), { recursive: true });
      if (text === undefined) await rm(join(place, name));
      else await writeFile(join(place, name), text);
    }
  };
  await put(before);
  await execute('git', ['init', '--quiet', '--bare', join(folder, 'origin')]);
  await git('init', '--quiet', '--initial-branch=main');
  await git('remote', 'add', 'origin', join(folder, 'origin'));
  await git('add', '--all');
  await git('commit', '--quiet', '--no-verify', '--message', 'before');
  await put({ ...after, ...change });
  await further(place);
  await git('add', '--all');
  const patch = await git('diff', '--cached', '--binary');
  await git('reset', '--quiet', '--hard');
  await put({ 'release/version.patch': patch });
  await mkdir(join(folder, 'bin'));
  await writeFile(join(folder, 'bin/gh'), `#!/bin/sh\necho "gh $@" >>${folder}/asked\necho 0\n`);
  await chmod(join(folder, 'bin/gh'), 0o755);
  const env = {
    PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH']}`,
    HOME: folder,
    BRANCH: 'changeset-release/main',
    CHECKSUMS: `${createHash('sha256').update(patch).digest('hex')}  version.patch\n`,
  };
  const text = await readFile(join(repository, '.github/workflows/release.yml'), 'utf8');
  const { jobs } = parse(text) as {
    readonly jobs: { readonly propose: { readonly steps: readonly Record<string, string>[] } };
  };
  const run = async () => {
    for (const step of jobs.propose.steps)
      if (step['run'] !== undefined)
        await execute('bash', ['-e', '-c', step['run']], {
          cwd: join(place, step['working-directory'] ?? '.'),
          env,
        });
  };
  const pushed = async () => (await git('ls-remote', 'origin')).includes(env.BRANCH);
  const asked = () => readFile(join(folder, 'asked'), 'utf8').catch(() => '');
  return { run, pushed, asked };
}

test('what setting the versions changes is proposed', async () => {
  const { run, pushed, asked } = await propose({});
  await run();
  expect(await pushed()).toBe(true);
  expect(await asked()).toContain('gh pr create');
});

test('a first changelog is proposed', async () => {
  const { run, pushed } = await propose({ 'packages/crd-types/CHANGELOG.md': '# Changes\n' });
  await run();
  expect(await pushed()).toBe(true);
});

const manifest = filesAt('0.2.0')['packages/mic/package.json'];
const lock = filesAt('0.2.0')['package-lock.json'];
const main = 'packages/mic/src/main.ts';

test.each<[what: string, file: string, change: Files]>([
  ['source', main, { [main]: 'steal();\n' }],
  ['a new file', 'packages/mic/src/new.ts', { 'packages/mic/src/new.ts': '1;\n' }],
  ['a name that git quotes', '"packages/', { 'packages/ä/package.json': '{}\n' }],
  ['a new package', 'tools/x/package.json', { 'tools/x/package.json': '{}\n' }],
  [
    'a workflow',
    '.github/workflows/release.yml',
    { '.github/workflows/release.yml': 'on: pull_request_target\n' },
  ],
  ['a setting of changesets', '.changeset/config.json', { '.changeset/config.json': '{"commit":true}\n' }],
  ['a file that is gone', main, { [main]: undefined }],
  [
    'a script',
    'more of packages/mic/package.json',
    { 'packages/mic/package.json': manifest.replace('tsup', 'curl a | sh') },
  ],
  [
    'a dependency',
    'more of packages/mic/package.json',
    { 'packages/mic/package.json': manifest.replace('"pino": "9.0.0"', '"pino": "9.9.9"') },
  ],
  [
    'a dependency in the name of an own one',
    'more of packages/mic/package.json',
    {
      'packages/mic/package.json': manifest.replace(
        'imds-client": "0.2.0"',
        'imds-client": "npm:evil@0.2.0"',
      ),
    },
  ],
  [
    'where a dependency is fetched',
    'more of package-lock.json',
    { 'package-lock.json': lock.replace('//a', '//b') },
  ],
  [
    'its version',
    'more of package-lock.json',
    { 'package-lock.json': lock.replaceAll('"version": "9.0.0"', '"version": "9.0.1"') },
  ],
  ['its hash', 'more of package-lock.json', { 'package-lock.json': lock.replace('sha512-x', 'sha512-y') }],
  [
    'code beside the version',
    'more of packages/imds-client/src/version.ts',
    { 'packages/imds-client/src/version.ts': `export const version = '0.2.0'; steal();\n` },
  ],
])('attack: a patch of the build that changes %s is not pushed: %s', async (_, file, change) => {
  const { run, pushed, asked } = await propose(change);
  const failure: unknown = await run().catch((error: unknown) => error);
  expect(await pushed()).toBe(false);
  expect(await asked()).toBe('');
  const reason = `version.patch may set versions and changelogs, and nothing else: it changes ${file}`;
  expect(failure).toMatchObject({ stderr: expect.stringContaining(reason) });
});

test.each<[what: string, further: (folder: string) => Promise<void>]>([
  [
    'a changelog that is a link',
    async (folder) => {
      await rm(join(folder, 'packages/imds-client/CHANGELOG.md'));
      await symlink('/proc/self/environ', join(folder, 'packages/imds-client/CHANGELOG.md'));
    },
  ],
  ['a manifest that is a program', (folder) => chmod(join(folder, 'packages/mic/package.json'), 0o755)],
])('attack: a patch of the build with %s is not pushed', async (_, further) => {
  const { run, pushed } = await propose({}, further);
  await expect(run()).rejects.toThrow('version.patch may set versions and changelogs, and nothing else');
  expect(await pushed()).toBe(false);
});
