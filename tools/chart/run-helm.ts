// Runs helm against a cluster, in the namespace of the release, without the settings of whoever runs the tests.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { systemNamespace } from '../stage/names.ts';

export interface HelmPlace {
  readonly program: string;
  readonly kubeconfig: string;
  /** For helm's own files. */
  readonly folder: string;
  /** Of the release; else ours. */
  readonly namespace?: string;
}

const patienceMs = 240_000;

/** Resolves with what helm printed; rejects with it if it fails. */
export function runHelm(place: HelmPlace, args: readonly string[]): Promise<string> {
  const homes = Object.fromEntries(
    ['HELM_CACHE_HOME', 'HELM_CONFIG_HOME', 'HELM_DATA_HOME'].map((name) => [name, join(place.folder, name)]),
  );
  const where = ['--kubeconfig', place.kubeconfig, '--namespace', place.namespace ?? systemNamespace];
  const options = { env: { ...process.env, ...homes }, timeout: patienceMs };
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  execFile(place.program, [...args, ...where], options, (error, stdout, stderr) => {
    if (error === null) resolve(stdout);
    else reject(new Error(`helm ${args.join(' ')}: ${stderr}${stdout}`, { cause: error }));
  });
  return promise;
}
