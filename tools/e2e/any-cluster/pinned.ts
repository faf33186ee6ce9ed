// A copy of the kubeconfig with its current context alone: `kubectl config use-context` during a run changes nothing of it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { runCommand } from '../../stage/run-command.ts';

export interface Pinned {
  readonly kubeconfig: string;
  /** The context and its server, for people. */
  readonly cluster: string;
  remove(): Promise<void>;
}

export async function pinKubeconfig(kubeconfig: string): Promise<Pinned> {
  const args = ['config', 'view', '--minify', '--flatten', '--raw', '--kubeconfig', kubeconfig];
  const { stdout } = await runCommand('kubectl', args);
  const cluster = describeCluster(stdout);
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-e2e-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  const copy = join(folder, 'kubeconfig');
  try {
    // It holds credentials.
    await writeFile(copy, stdout, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    await remove();
    throw error;
  }
  return { kubeconfig: copy, cluster, remove };
}

interface Minified {
  readonly 'current-context'?: string;
  readonly clusters?: readonly { readonly cluster?: { readonly server?: string } }[] | null;
}

export function describeCluster(minified: string): string {
  const { 'current-context': context = '', clusters } = parse(minified) as Minified;
  const server = clusters?.[0]?.cluster?.server;
  if (context === '' || server === undefined)
    throw new Error('the kubeconfig has no current context with a cluster: set current-context');
  return `the context ${context}, the API server ${server}`;
}
