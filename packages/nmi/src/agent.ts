import type { LimitEffect, Tenant } from '@pod-identity/kit/core';
import { noteResponses, type Informer, type KubeAmbient } from '@pod-identity/kit/kube';
import type { Metrics, Output } from '@pod-identity/kit/serve';
import { createAccess, type AccessParts } from './assemble-access.ts';
import { strangerProblem } from './access/stranger.ts';
import { createApp } from './app.ts';
import type { Changes } from './waiting/await-change.ts';
import { createAuthorizer } from './authorize/authorizer.ts';
import { createClusterInformers, keepsAll } from './authorize/cluster-view.ts';
import type { NmiConfig } from './config/config.ts';
import type { LatestPod } from './handle/follow-pod.ts';
import { createGranter, type Granter } from './handle/grant.ts';
import { createHostTokenHandler } from './handle/host-token.ts';
import { grantOnceRead } from './handle/once-read.ts';
import { createMetadataReader, type MetadataReader } from './handle/instance-metadata.ts';
import { createTokenHandler } from './handle/token.ts';
import { createCallerFinder, type CallerFinder } from './identify/find-caller.ts';
import { createNamedPodFinder } from './identify/find-named.ts';
import { createNeighbourTable, type NeighbourTable } from './identify/neighbour-table.ts';
import type { PodView } from './identify/pod-view.ts';
import { createRunningContainers, type RunningContainers } from './identify/running-containers.ts';
import { createPodInformer, type PodRequest } from './identify/pod-directory.ts';
import type { metricSpecs } from './tell/metrics.ts';
import { eitherOf } from './waiting/paced-changes.ts';
import { createReadiness, type ReadinessOptions } from './ready/readiness.ts';
import { createCallerLimits, type CallerLimits } from './waiting/caller-limits.ts';
import { createTelemetry, type Telemetry } from './tell/telemetry.ts';
import { createRecordHints } from './tokens/metadata/record-hints.ts';
import { createTokenSupply, metadataUrl, type TokenSupply } from './token-supply.ts';

export interface AgentOptions
  extends KubeAmbient, Pick<ReadinessOptions, 'redirectProblem' | 'throughRedirect' | 'selfTest'> {
  readonly config: NmiConfig;
  /** For audit lines. */
  readonly output: Pick<Output, 'write' | 'lost'>;
  readonly metrics: Metrics<typeof metricSpecs>;
  /** When this machine was started, if known. */
  readonly bootedAt?: number | undefined;
  readonly neighbours?: NeighbourTable;
  readonly containers?: RunningContainers;
}

export type Agent = ReturnType<typeof createAgent>;

/** Requests that may wait at a time: of all pods, and of one namespace. */
const waiting = { total: 2_048, perNamespace: 1_024 };
/** How long a request waits for the API server to identify its pod: 8 s with the default of `--caller-hold`. */
const responsePatienceMs = 6_000;
/** For one pod, of the 20 requests a second that the metadata service accepts from the machine. */
const upstreamLimits = { upstreamBurst: 20, upstreamPerSecond: 4 };

/** Assembles the rooms. Opens no socket, so that tests can use the same agent. */
export function createAgent(options: AgentOptions) {
  const { config, metrics, clock, neighbours = createNeighbourTable(options.clock) } = options;
  const watched = watch(options);
  const { pods, informers, containers } = watched;
  const limits = callerLimits(config);
  const telemetry = createTelemetry({ ...options, pods });

  const supply = createTokenSupply(options);
  const access = createAccess(options, supply.readInstanceId);
  const readiness = readinessOf(options, informers, access);
  // Neither readiness nor a decision depends on them.
  const hints = recordHints(options, watched, supply);
  const granter = createTokenGranter(options, { watched, limits, supply, access });
  const callers = callerFinder(options, watched, neighbours);
  const shared = { ...config, ...readiness, granter };
  const namedPods = createNamedPodFinder({ pods, clock, node: config.node, check: config.podCheck });
  const proxy = metadataProxy(config, pods, supply);
  const all = [...informers, ...supply.informers, onceSynced(informers, hints), access.stranger];

  const app = createApp({
    ...config,
    ...options,
    proxy,
    token: createTokenHandler({ ...shared, ...evidence(pods, containers), callers }),
    hostToken: createHostTokenHandler({ ...shared, isEnabled: config.hostToken, namedPods }),
    onSent: (sent) => telemetry.onSent(sent),
  });

  return {
    app,
    readiness,
    /** To be called when the listener limits a caller. */
    onLimited: (effect: LimitEffect, peer: string) => telemetry.onLimited(effect, peer),
    /** For the listener: the kernel's neighbour entry of an address. */
    neighbourOf: (address: string) => neighbours.of(address),
    /** Watches the cluster until the signal aborts. */
    run: (signal: AbortSignal) => runAll(all, signal),
    /** Ends all waits: the agent is shutting down. */
    endHolds: () => {
      readiness.endWaiting();
      limits.endAll();
    },
    /** To be called after the last response. */
    close: () => closeAll([proxy, supply], telemetry),
    /** Updates the metrics; to be called before they are read. */
    measure() {
      telemetry.measure();
      metrics.set('waiting', limits.waiting);
      measureWatches([...informers, ...hints], metrics);
    },
  };
}

function readinessOf(options: AgentOptions, informers: Watched['informers'], { stranger }: AccessParts) {
  const { config, metrics } = options;
  return createReadiness({
    ...options,
    informers,
    outageMs: config.podCheck.outageMs,
    ...(config.identityAccess === 'rbac' && { accessProblem: () => strangerProblem(stranger.isRefused()) }),
    onJudged: (isReady) => metrics.set('ready', isReady ? 1 : 0),
  });
}

interface Running {
  run(signal: AbortSignal): Promise<void>;
}

async function runAll(all: readonly Running[], signal: AbortSignal): Promise<void> {
  await Promise.all(all.map((one) => one.run(signal)));
}

/** Reading the records takes a third of the start: nothing waits for them, and the rest comes first. */
function onceSynced(informers: Watched['informers'], hints: readonly Running[]): Running {
  return {
    async run(signal) {
      await Promise.all(informers.map(({ synced }) => synced));
      await runAll(hints, signal);
    },
  };
}

async function closeAll(all: readonly { close(): void }[], telemetry: Telemetry): Promise<void> {
  for (const one of all) one.close();
  await telemetry.close();
}

function callerLimits({ podWaiting }: NmiConfig): CallerLimits {
  return createCallerLimits({ waiting: { ...waiting, perPod: podWaiting }, ...upstreamLimits });
}

function measureWatches(
  informers: readonly Pick<Informer<unknown>, 'plural' | 'lastHeardMs' | 'fullNamespaces'>[],
  metrics: AgentOptions['metrics'],
): void {
  for (const informer of informers) {
    const ms = informer.lastHeardMs();
    metrics.set('watchAge', Number.isFinite(ms) ? ms / 1000 : -1, { kind: informer.plural });
    metrics.set('fullNamespaces', informer.fullNamespaces(), { kind: informer.plural });
  }
}

const evidence = (pods: Watched['pods'], containers: RunningContainers) => ({
  uidAt: (address: string) => pods.podAt(address)?.uid,
  hasStopped: (pod: PodView) => containers.of(pod) === 'none',
});

function callerFinder(
  { config, clock, metrics }: AgentOptions,
  { pods, containers }: Watched,
  neighbours: NeighbourTable,
): CallerFinder {
  return createCallerFinder({
    pods,
    clock,
    neighbours,
    containers,
    check: config.podCheck,
    holdMs: config.callerHoldMs,
    patienceMs: responsePatienceMs,
    onChecked: (result) => metrics.count('podChecks', { result }),
    onChanged: () => metrics.count('neighbourChanges'),
  });
}

function watch(options: AgentOptions) {
  const { config, transport, clock, random, log, metrics, bootedAt } = options;
  const { containers = createRunningContainers(config.brokerService.pod.uid) } = options;
  const noted = noteResponses(transport, clock);
  const common = { transport: noted, node: config.node, clock, random, log };
  const onFailed = (request: PodRequest) => metrics.count('kubernetesErrors', { operation_type: request });
  const pods = createPodInformer({
    ...common,
    bootedAt,
    lastResponseMs: () => noted.lastResponseMs(),
    onFailed,
  });
  const cluster = createClusterInformers({
    ...common,
    namespaceShareBytes: config.namespaceShareBytes,
    onlyFor: keepsAll(config) ? undefined : pods.informer,
  });
  const latest: LatestPod = ({ namespace, name }) => pods.named(namespace, name);
  return { common, pods, containers, latest, cluster, informers: [pods.informer, ...cluster.informers] };
}

type Watched = ReturnType<typeof watch>;

/** In managed mode nobody writes records, and NMI may not read them. */
function recordHints({ config }: AgentOptions, { common }: Watched, { tokens }: TokenSupply) {
  const { mode, byNodeLabel } = config;
  return mode === 'standard' ? [createRecordHints({ ...common, byNodeLabel, onAssigned: tokens.hint })] : [];
}

interface GranterParts {
  readonly watched: Watched;
  readonly limits: CallerLimits;
  readonly supply: TokenSupply;
  readonly access: AccessParts;
}

function createTokenGranter(
  options: AgentOptions,
  { watched, limits, supply, access }: GranterParts,
): Granter {
  const { config, clock, metrics } = options;
  const { latest, cluster, informers } = watched;
  const granter = createGranter({
    authorizer: createAuthorizer(cluster.view, config),
    latest,
    changes: changesOf(informers),
    tokens: supply.tokens,
    bindingGraceMs: config.bindingGraceMs,
    limits,
    access: access.guard,
    clock,
    onWaited: (ms) => metrics.observe('waited', ms / 1000),
  });
  return grantOnceRead(granter, { ...cluster.nodeNamespaces, latest });
}

function metadataProxy(config: NmiConfig, pods: Watched['pods'], { pace }: TokenSupply): MetadataReader {
  const upstream = metadataUrl(config);
  const rest = { read: pace.read, tenantAt: (address: string) => tenantAt(address, pods) };
  return createMetadataReader({ ...config, upstream, allowed: config.metadataAllowed, ...rest });
}

/** Reads of metadata need no pod: addresses without one share the turns of namespace ''. */
function tenantAt(address: string, pods: Watched['pods']): Tenant {
  const [pod] = pods.filedUnder(address);
  return { namespace: pod?.namespace ?? '', pod: pod?.uid ?? address };
}

function changesOf(informers: Watched['informers']): Changes {
  return eitherOf(
    ...informers.map((informer) => ({ subscribe: (listener: () => void) => informer.onChange(listener) })),
  );
}
