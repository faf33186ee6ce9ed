import type { KubeTransport, ResourceKind } from '@pod-identity/kit/kube';
import { readMicConfig, type MicConfig } from '../../../mic/src/commands/plug-in.ts';
import { readNmiConfig, type NmiConfig } from '../../../nmi/src/commands/plug-in.ts';
import { listAllowed } from './lists.ts';
import { readWorkload, type Role, type Workload } from './workload.ts';

export interface Services {
  readonly nmi: readonly Installed<NmiConfig>[];
  readonly mic: readonly Installed<MicConfig>[];
  readonly broker: readonly Installed<NmiConfig>[];
  /** What may not be read, in words. */
  readonly unknown: readonly string[];
}

export interface Installed<Config> extends Pick<
  Workload,
  'kind' | 'namespace' | 'name' | 'image' | 'isOriginal' | 'replicas' | 'object'
> {
  readonly config: Config | { readonly problems: readonly string[] };
}

const apps = (
  kind: Workload['kind'],
  plural: string,
): ResourceKind & { readonly kind: Workload['kind'] } => ({
  group: 'apps',
  version: 'v1',
  kind,
  plural,
  namespaced: true,
});
const kinds = [apps('DaemonSet', 'daemonsets'), apps('Deployment', 'deployments')] as const;
/** Looked at one by one if not all namespaces may be: those of the manifests, and the original's. */
const usualNamespaces = ['aad-pod-identity', 'aad-pod-identity-broker', 'kube-system', 'default'];

interface Reading {
  readonly kube: KubeTransport;
  readonly signal: AbortSignal;
}

/** Finds MIC, NMI and the broker in any namespace by what their containers run, and reads the flags that these are given. */
export async function readServices(reading: Reading): Promise<Services> {
  const found = await Promise.all(kinds.map((kind) => findOfKind(kind, reading)));
  const workloads = found.flatMap(({ workloads }) => workloads);
  const unknown = found.flatMap(({ unknown }) => unknown);
  const of = (role: Role) => workloads.filter((workload) => workload.role === role);
  return {
    nmi: of('nmi').map((workload) => installed(workload, nmiConfigOf(workload))),
    mic: of('mic').map((workload) => installed(workload, micConfigOf(workload))),
    broker: of('broker').map((workload) => installed(workload, nmiConfigOf(workload))),
    unknown,
  };
}

async function findOfKind(kind: (typeof kinds)[number], reading: Reading) {
  const trim = (object: unknown) => readWorkload(kind.kind, object);
  const everywhere = await listAllowed({ ...reading, kind, trim });
  if (everywhere.kind === 'read') return { workloads: everywhere.items, unknown: [] };
  const usual = await Promise.all(
    usualNamespaces.map((namespace) => listAllowed({ ...reading, kind, trim, namespace })),
  );
  return {
    workloads: usual.flatMap((list) => (list.kind === 'read' ? list.items : [])),
    unknown: [everywhere.text],
  };
}

function installed<Config>(
  { kind, namespace, name, image, isOriginal, replicas, object }: Workload,
  config: Installed<Config>['config'],
): Installed<Config> {
  return { kind, namespace, name, image, isOriginal, replicas, object, config };
}

function micConfigOf(workload: Workload): Installed<MicConfig>['config'] {
  const reading = readMicConfig({ argv: workload.argv, env: envOf(workload), hostname: workload.name });
  return reading.ok ? reading.config : { problems: reading.problems.map(({ message }) => message) };
}

function nmiConfigOf(workload: Workload): Installed<NmiConfig>['config'] {
  const reading = readNmiConfig({ argv: workload.argv, env: envOf(workload) });
  if (reading.kind === 'config') return reading.config;
  return {
    problems: reading.kind === 'problems' ? reading.problems : [`it is started with --${reading.kind}`],
  };
}

/** The original's default where it has another effect for the plug-in's answers. */
function envOf({ isOriginal, env }: Workload): Workload['env'] {
  return isOriginal ? { FORCENAMESPACED: 'false', ...env } : env;
}
