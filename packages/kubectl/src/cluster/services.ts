import { clusterKinds } from '@pod-identity/kit/core';
import { readMicConfig, type MicConfig } from '../../../mic/src/commands/plug-in.ts';
import { readNmiConfig, type NmiConfig } from '../../../nmi/src/commands/plug-in.ts';
import { usualAudience } from './credential.ts';
import { findGenuine, manifestNamespaces, imitationOf } from './genuine.ts';
import { itemsOf, listAllowed, unknownOf, type ClusterReader } from './lists.ts';
import { readWorkload, type Role, type Workload } from './workload.ts';

export interface Services {
  readonly nmi: readonly Installed<NmiConfig>[];
  readonly mic: readonly Installed<MicConfig>[];
  readonly broker: readonly Installed<NmiConfig>[];
  /** What looks like one of them and is not taken for it, in words. */
  readonly imitations: readonly string[];
  /** What may not be read, in words. */
  readonly unknown: readonly string[];
}

export interface Installed<Config> extends Workload {
  /** As far as they tell it from others. */
  readonly missingRights?: readonly string[];
  readonly config: Config | { readonly problems: readonly string[] };
}

/** Those of this project. */
export const ownOf = <S extends Pick<Workload, 'isOriginal'>>(all: readonly S[]): readonly S[] =>
  all.filter(({ isOriginal }) => !isOriginal);

/** NMI without MIC: the machines have their identities otherwise. */
export const isManaged = ({ config }: Pick<Installed<object>, 'config'>): boolean =>
  'mode' in config && config.mode === 'managed';

/** Of the tokens of a broker. */
export const audienceOf = ({ config }: Pick<Installed<NmiConfig>, 'config'>): string =>
  'problems' in config ? usualAudience : config.brokerService.cloud.audience;

/** Of those of which the flags are understood. */
export const configsOf = <C extends object>(all: readonly Installed<C>[]): readonly C[] =>
  all.flatMap(({ config }) => ('problems' in config ? [] : [config]));

const kinds = [clusterKinds.daemonSets, clusterKinds.deployments] as const;
/** Of each kind in one namespace. Its editors can write any number that look like MIC, and each costs reviews of rights. */
const mostOfNamespace = 16;
/** Looked at one by one if not all namespaces may be: those of the manifests, and the original's. */
const usualNamespaces = ['aad-pod-identity', 'aad-pod-identity-broker', 'kube-system', 'default'];

/** Finds MIC, NMI and the broker in any namespace by what their containers run, and reads the flags that these are given. */
export async function readServices(reading: ClusterReader): Promise<Services> {
  const found = await Promise.all(kinds.map((kind) => findOfKind(kind, reading)));
  const candidates = found.flatMap(({ workloads }) => workloads);
  const isBroker = ({ role }: Workload) => role === 'broker';
  const genuine = await findGenuine(
    candidates.filter((one) => !isBroker(one)),
    reading,
  );
  const of = (role: Role) => genuine.workloads.filter((workload) => workload.role === role);
  const nmi = of('nmi').map((workload) => ({ ...workload, config: nmiConfigOf(workload) }));
  const namespaces = brokerNamespaces(nmi);
  const isServed = ({ namespace }: Workload) => namespaces.includes(namespace);
  const brokers = candidates.filter(isBroker);
  return {
    nmi,
    mic: of('mic').map((workload) => ({ ...workload, config: micConfigOf(workload) })),
    broker: brokers.filter(isServed).map((workload) => ({ ...workload, config: nmiConfigOf(workload) })),
    imitations: [...genuine.imitations, ...brokers.filter((one) => !isServed(one)).map(imitationOf)],
    unknown: [...found.flatMap(({ unknown }) => unknown), ...genuine.unknown],
  };
}

/** NMI tells where its broker is. */
function brokerNamespaces(nmi: readonly Installed<NmiConfig>[]): readonly string[] {
  const named = configsOf(ownOf(nmi)).flatMap(({ hasBroker, broker }) =>
    hasBroker ? [broker.namespace] : [],
  );
  return named.length > 0 ? named : manifestNamespaces.broker;
}

async function findOfKind(kind: (typeof kinds)[number], reading: ClusterReader) {
  const isAmongFirst = createFirstOfNamespace();
  const trim = (object: unknown) => {
    const workload = readWorkload(kind.kind, object);
    return workload && isAmongFirst(workload) ? workload : undefined;
  };
  const everywhere = await listAllowed({ ...reading, kind, trim });
  const unknown = unknownOf(everywhere);
  if (everywhere.kind === 'read') return { workloads: everywhere.items, unknown };
  const usual = await Promise.all(
    usualNamespaces.map((namespace) => listAllowed({ ...reading, kind, trim, namespace })),
  );
  return { workloads: usual.flatMap(itemsOf), unknown };
}

/** A list that begins again has the same first ones. */
function createFirstOfNamespace(): (workload: Workload) => boolean {
  const first = new Map<string, Set<string>>();
  return ({ namespace, name }) => {
    const names = first.get(namespace) ?? new Set();
    first.set(namespace, names);
    if (names.size < mostOfNamespace) names.add(name);
    return names.has(name);
  };
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
