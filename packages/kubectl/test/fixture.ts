// The command line of the plug-in against the simulated API server, without a process of its own.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFakeClock } from '@pod-identity/kit/testing';
import { startSim, type KubeObject, type Sim } from '@pod-identity/sim';
import { afterEach } from 'vitest';
import { run, type Surroundings } from '../src/cli/run.ts';
import { commands } from '../src/commands.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Runs after the test, in reverse order. */
export const afterwards = (cleanup: () => unknown): void => void cleanups.push(cleanup);

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the plug-in with these arguments. */
export async function plugIn(argv: readonly string[], options: Partial<Surroundings> = {}): Promise<Ran> {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run({
    argv,
    env: {},
    version: '0.0.0',
    description: 'test',
    commands,
    print: (line) => void out.push(line),
    complain: (line) => void err.push(line),
    terminal: { isTerminal: false, columns: 100, colour: false },
    // No deadline passes on a busy machine.
    clock: createFakeClock(),
    signal: new AbortController().signal,
    ...options,
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

export async function folderFor(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `kubectl-${name}-`));
  afterwards(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function kubeconfigFor(server: string, token = ''): Promise<string> {
  const file = join(await folderFor('config'), 'kubeconfig');
  const config = {
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'k', user: 'u', namespace: 'shop' } }],
    clusters: [{ name: 'k', cluster: { server } }],
    users: [{ name: 'u', user: { token } }],
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}

export async function openSim(): Promise<{ readonly sim: Sim; readonly kubeconfig: string }> {
  const sim = await startSim({});
  afterwards(() => sim.stop());
  const kubeconfig = join(await folderFor('sim'), 'kubeconfig');
  await writeFile(kubeconfig, sim.kube.kubeconfig());
  return { sim, kubeconfig };
}

/** The kubeconfig of a ServiceAccount that may read pods and the custom resources of one namespace. */
export async function editorOf(sim: Sim, namespace: string): Promise<string> {
  const metadata = { name: 'editor', namespace };
  const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1' };
  const verbs = ['get', 'list', 'watch'];
  const rules = [
    { apiGroups: [''], resources: ['pods'], verbs },
    { apiGroups: ['aadpodidentity.k8s.io'], resources: ['*'], verbs },
  ];
  sim.kube.seed([
    { ...rbac, kind: 'Role', metadata, rules },
    {
      ...rbac,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'editor' },
      subjects: [{ kind: 'ServiceAccount', name: 'editor', namespace }],
    },
  ] as KubeObject[]);
  const file = join(await folderFor('editor'), 'kubeconfig');
  await writeFile(file, sim.kube.kubeconfig(`${namespace}/editor`));
  return file;
}

const image = 'r.test/aad-pod-identity/nmi:0.1.0';

interface Workload {
  readonly namespace: string;
  readonly name: string;
  readonly args: readonly string[];
  readonly image?: string;
}

/** MIC, NMI or the broker, ready. */
export const workload = (
  kind: 'DaemonSet' | 'Deployment',
  { namespace, name, args, ...of }: Workload,
): KubeObject => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { namespace, name, uid: `${namespace}-${name}` },
  spec: {
    replicas: 1,
    selector: { matchLabels: { component: name } },
    template: { spec: { serviceAccountName: name, containers: [{ name, image, args, ...of }] } },
  },
  status: { readyReplicas: 1, desiredNumberScheduled: 1, numberReady: 1 },
});

/** A pod of the NMI of kube-system. */
export const agentOn = (node: string, isReady = true): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: `nmi-${node}`,
    namespace: 'kube-system',
    labels: { component: 'nmi' },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'nmi', uid: 'kube-system-nmi' }],
  },
  spec: { nodeName: node, containers: [{ name: 'nmi', image: 'r.test/nmi:0.1.0' }] },
  status: { conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
});
