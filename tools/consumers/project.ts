// An empty project outside the workspace, with the libraries installed from the archives that npm would publish.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { publishedLibraries, repository } from '../stage/places.ts';
import { runCommand } from '../stage/run-command.ts';
import { within } from '../stage/within.ts';

const execute = promisify(execFile);
const patienceMs = 60_000;

export interface Project {
  readonly folder: string;
  write(name: string, text: string): Promise<string>;
  /** Puts a package of a folder `node_modules` into that of the project. */
  link(modules: string, name: string): Promise<void>;
  /** Runs a program in the project's folder, with nothing of this process's environment but PATH. Returns what it prints. */
  run(program: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
  remove(): Promise<void>;
}

export async function createProject(): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-consumer-'));
  const remove = () => rm(folder, { recursive: true });
  try {
    await install(folder);
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    folder,
    write: (name, text) => write(folder, name, text),
    link: (modules, name) => link(folder, modules, name),
    run: (program, args, env = {}) => run(folder, [program, ...args], env),
    remove,
  };
}

/** The libraries have no dependencies, so nothing is fetched. */
async function install(folder: string): Promise<void> {
  const archives = join(folder, 'archives');
  await mkdir(archives);
  for (const library of publishedLibraries)
    await runCommand('npm', ['pack', join(repository, 'packages', library), '--pack-destination', archives]);
  await write(folder, 'package.json', JSON.stringify({ name: 'consumer', version: '1.0.0', private: true }));
  const packed = (await readdir(archives)).map((name) => join(archives, name));
  await runCommand('npm', ['install', '--prefix', folder, '--offline', '--no-audit', '--no-fund', ...packed]);
}

async function write(folder: string, name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
}

async function link(folder: string, modules: string, name: string): Promise<void> {
  const place = join(folder, 'node_modules', name);
  await mkdir(dirname(place), { recursive: true });
  await symlink(join(modules, name), place);
}

async function run(
  folder: string,
  command: readonly [program: string, ...args: string[]],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const [program, ...args] = command;
  const running = execute(program, args, {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, ...env },
    timeout: patienceMs + 5_000,
    killSignal: 'SIGKILL',
  });
  const result = running.catch((error: unknown) => {
    const { message, stdout = '', stderr = '' } = error as Error & { stdout?: string; stderr?: string };
    throw new Error(`${message}\n${stdout}${stderr}`);
  });
  return (await within(patienceMs, `the command ${command.join(' ')}`, result)).stdout;
}
