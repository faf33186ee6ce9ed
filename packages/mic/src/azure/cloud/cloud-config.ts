import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { aborted, ConfigurationError, type Clock, type Timer } from '@pod-identity/kit/core';
import { readCloud, type CloudSettings, type Env } from './cloud.ts';

interface CloudConfigSource {
  /** azure.json; undefined if the settings are in the environment. */
  readonly path?: string | undefined;
  readonly env: Env;
}

/** Throws ConfigurationError with all problems. */
export async function loadCloudConfig({ path, env }: CloudConfigSource): Promise<CloudSettings> {
  const environmentPath = env[environmentVariable];
  const problems: string[] = [];
  const file = path === undefined ? undefined : await readText(path, 'cloudconfig', problems);
  const environmentFile = environmentPath
    ? await readText(environmentPath, environmentVariable, problems)
    : undefined;
  if (problems.length > 0) throw new ConfigurationError(problems);
  const read = readCloud({ env, file, environmentFile });
  if (read.ok) return read.value;
  throw new ConfigurationError(
    read.problems.map(({ path: key, message }) => {
      const where = key === environmentVariable ? environmentPath : path;
      return `${where ?? 'the environment'}: ${key} ${message}`;
    }),
  );
}

const environmentVariable = 'AZURE_ENVIRONMENT_FILEPATH';

async function readText(path: string, setting: string, problems: string[]): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    problems.push(`${setting} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

interface CloudConfigWatch extends CloudConfigSource {
  readonly path: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onChange: (settings: CloudSettings) => void;
  /** The new file is invalid; the previous settings stay in use. */
  readonly onProblem: (error: unknown) => void;
}

/** Files are often written in several steps: read after so long without a change. */
const quietMs = 500;

/**
 * Reads azure.json again when it is changed or replaced. Watches the directory, because a rename, or the symbolic link of a mounted
 * secret, replaces the file.
 */
export async function watchCloudConfig(options: CloudConfigWatch): Promise<void> {
  const { path, clock, signal } = options;
  if (signal.aborted) return;
  let timer: Timer | undefined;
  const reload = () => void loadCloudConfig(options).then(options.onChange, options.onProblem);
  const watcher = watch(dirname(path), { persistent: false }, (_event, name) => {
    if (name !== null && name !== basename(path) && !name.startsWith('..')) return;
    timer?.cancel();
    timer = clock.after(quietMs, reload);
  });
  watcher.on('error', options.onProblem);
  await aborted(signal);
  timer?.cancel();
  watcher.close();
}
