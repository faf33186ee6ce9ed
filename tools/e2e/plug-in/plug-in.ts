// `kubectl azure-pod-identity`, as kubectl finds it on the PATH.
import { mkdir, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { plugInFile, runProgram, type Ended } from '../access/commands.ts';

export interface PlugIn {
  /** With the kubeconfig of this file. */
  run(kubeconfig: string, ...words: readonly string[]): Promise<Ended>;
  /** A line as it was printed, in a shell. */
  paste(kubeconfig: string, line: string): Promise<Ended>;
}

/** `folder`: of the stage. */
export async function installPlugIn(folder: string): Promise<PlugIn> {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await symlink(plugInFile, join(bin, 'kubectl-azure_pod_identity'));
  const path = [bin, process.env['PATH']].join(delimiter);
  const env = (kubeconfig: string) => ({ HOME: folder, PATH: path, KUBECONFIG: kubeconfig });
  return {
    run: (kubeconfig, ...words) =>
      runProgram('kubectl', ['azure-pod-identity', ...words], { env: env(kubeconfig) }),
    paste: (kubeconfig, line) => runProgram('sh', ['-c', line], { env: env(kubeconfig) }),
  };
}

/** The commands among lines of findings. */
export function commandsIn(output: string): readonly string[] {
  return output.split('\n').flatMap((line) => /^\s*\$ (.*)$/.exec(line)?.[1] ?? []);
}
