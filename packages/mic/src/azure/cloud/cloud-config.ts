import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { aborted, type Clock, type Timer } from '@pod-identity/kit/core';
import { AzureError } from '../azure-error.ts';
import { readCloud, type CloudSettings, type Env } from './cloud.ts';

interface CloudConfigSource {
  /** azure.json; undefined if the settings are in the environment. */
  readonly path?: string | undefined;
  readonly env: Env;
}

/** Throws AzureError 'configuration' with all problems. */
export async function loadCloudConfig(source: CloudConfigSource): Promise<CloudSettings> {
  const { path, env } = source;
  const environmentPath = env['AZURE_ENVIRONMENT_FILEPATH'];
  const read = readCloud({
    env,
    file: path === undefined ? undefined : await readText(path, 'cloudconfig'),
    environmentFile: environmentPath
      ? await readText(environmentPath, 'AZURE_ENVIRONMENT_FILEPATH')
      : undefined,
  });
  if (read.ok) return read.value;
  const where = path ?? 'the environment';
  throw new AzureError(
    'configuration',
    `${where}: ${read.problems.map(({ path: key, message }) => `${key} ${message}`).join('; ')}`,
  );
}

async function readText(path: string, setting: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AzureError('configuration', `${setting} cannot be read: ${why}`, error);
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
