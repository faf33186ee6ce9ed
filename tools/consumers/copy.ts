// keyvault-sample as a user copies it: its folder alone, outside the repository, with what npm installs.
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { repository } from '../stage/places.ts';
import { runCommand } from '../stage/run-command.ts';

const origin = join(repository, 'packages/keyvault-sample');
const library = '@pod-identity/imds-client';

interface Lock {
  readonly packages: Readonly<Record<string, { readonly link?: boolean }>>;
}

/**
 * Copies the folder, and installs as its README says. imds-client comes from the archive that npm would publish; the other packages have
 * the versions of the repository, so that a release of one of them does not change what is tested.
 */
export async function copySample(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-copy-'));
  try {
    const isCopied = (path: string) => !['node_modules', 'dist', 'test'].includes(basename(path));
    await cp(origin, folder, { recursive: true, filter: (path) => path === origin || isCopied(path) });
    await mkdir(join(folder, 'archives'));
    await runCommand('npm', [
      'pack',
      join(repository, 'packages/imds-client'),
      '--pack-destination',
      join(folder, 'archives'),
    ]);
    const [archive = ''] = await readdir(join(folder, 'archives'));
    await pin(folder);
    // The order of the README: the archive, while the library is not on npm.
    await npm(folder, ['pkg', 'set', `dependencies.${library}=file:archives/${archive}`]);
    await npm(folder, ['install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund']);
    return folder;
  } catch (error) {
    await rm(folder, { recursive: true });
    throw error;
  }
}

async function pin(folder: string): Promise<void> {
  const lock = JSON.parse(await readFile(join(repository, 'package-lock.json'), 'utf8')) as Lock;
  const installed = Object.entries(lock.packages).filter(
    ([path, { link }]) => path.startsWith('node_modules/') && link !== true,
  );
  const packages = Object.fromEntries(installed);
  await writeFile(
    join(folder, 'package-lock.json'),
    JSON.stringify({ name: 'copy', lockfileVersion: 3, requires: true, packages }),
  );
  await cp(join(repository, '.npmrc'), join(folder, '.npmrc'));
}

const npm = (folder: string, args: readonly string[]) => runCommand('npm', ['--prefix', folder, ...args]);

/** What the build stage of the Containerfile runs. */
export async function buildSteps(folder: string): Promise<readonly string[]> {
  const text = await readFile(join(folder, 'Containerfile'), 'utf8');
  return [...text.matchAll(/^RUN (.+)$/gm)].map(([, step = '']) => step);
}

/** The files and folders that the Containerfile takes from the build, and its program. */
export async function imageOf(
  folder: string,
): Promise<{ taken: readonly string[]; entry: readonly string[] }> {
  const text = await readFile(join(folder, 'Containerfile'), 'utf8');
  const taken = [...text.matchAll(/^COPY --from=build \/source\/(\S+) \/app\/\1$/gm)].map(
    ([, path = '']) => path,
  );
  const [, entry = '[]'] = /^ENTRYPOINT (.+)$/m.exec(text) ?? [];
  return { taken, entry: JSON.parse(entry) as string[] };
}

/** Runs a step in the folder with this Node.js first on the PATH. */
export async function runStep(folder: string, step: string, node: string): Promise<string> {
  const path = `${dirname(node)}:${process.env['PATH'] ?? ''}`;
  const { stdout } = await runCommand('env', ['-C', folder, `PATH=${path}`, 'sh', '-ec', step]);
  return stdout;
}
