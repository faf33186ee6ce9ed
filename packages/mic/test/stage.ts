// A whole MIC, or several, in this process, on a simulated cluster and a simulated Azure.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as yieldTurn } from 'node:timers/promises';
import {
  connectKube,
  createElector,
  createEventRecorder,
  type KubeRequest,
  type KubeTransport,
} from '@pod-identity/kit/kube';
import { createLog, createMetrics, systemClock } from '@pod-identity/kit/serve';
import {
  cluster,
  startSim,
  type AzureOptions,
  type Cluster,
  type ClusterSpec,
  type KubeObject,
  type Sim,
} from '@pod-identity/sim';
import { connectAzure } from '../src/azure/connect.ts';
import { createMic } from '../src/run.ts';
import type { Controller } from '../src/term/controller.ts';
import type { MicSettings } from '../src/term/settings.ts';
import { micMetrics } from '../src/tell/metrics.ts';
import type { PlanRules } from '../src/plan/types.ts';
import { createWarpClock, type WarpClock } from './warp-clock.ts';

export interface StageOptions extends ClusterSpec {
  readonly azure?: AzureOptions;
}

export interface MicOptions extends Partial<Omit<MicSettings, 'rules' | 'principalId'>> {
  readonly name?: string;
  readonly rules?: Partial<PlanRules>;
  readonly leaseMs?: number;
  /** Called for each request of the controller. */
  readonly onRequest?: (request: KubeRequest) => void;
}

export interface RunningMic {
  readonly name: string;
  readonly controller: Controller;
  readonly lines: readonly string[];
  metrics(): Promise<string>;
  /** Like SIGTERM: running requests may end, the lease is released. */
  stop(): Promise<void>;
}

export interface Stage {
  readonly sim: Sim;
  readonly town: Cluster;
  startMic(options?: MicOptions): Promise<RunningMic>;
  assigned(): readonly KubeObject[];
  /** `name: state` of every AzureAssignedIdentity, sorted. */
  states(): readonly string[];
  /** Fails after a minute, with the description of the condition. */
  within<T>(awaited: Promise<T>, what: string): Promise<T>;
  /** Fails after a timeout with the description, by default the condition's source. */
  until(holds: (kube: Sim['kube']) => boolean, what?: string): Promise<void>;
  allAssigned(count: number): Promise<void>;
  patches(): number;
  /** Advances the clock of every MIC. */
  warp(ms: number): void;
  attached(scaleSet: string): readonly string[];
  /** Changes that the API server made to objects of a kind. */
  writes(plural: string): number;
  remove(plural: string, name: string, namespace?: string): Promise<void>;
  close(): Promise<void>;
}

const micMachine = 'mic-machine';
const patienceMs = 60_000;
export const subscription = '00000000-0000-0000-0000-00000000000a';
const providers = `/subscriptions/${subscription}/resourceGroups/cluster/providers`;
export const scaleSetId = (name: string) => `${providers}/Microsoft.Compute/virtualMachineScaleSets/${name}`;
export const identityId = (name: string) =>
  `${providers}/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
export const own = 'aad-pod-identity';

export async function setStage({ azure = {}, ...spec }: StageOptions): Promise<Stage> {
  const sim = await startSim({ azure });
  const folder = await mkdtemp(join(tmpdir(), 'mic-stage-'));
  const mics: RunningMic[] = [];
  const clock = createWarpClock();
  const clusterIdentity = sim.azure.world.addIdentity({ resourceId: identityId('cluster-agentpool') });
  sim.azure.world.addVirtualMachine({
    id: `${providers}/Microsoft.Compute/virtualMachines/${micMachine}`,
    identities: [clusterIdentity.resourceId],
  });
  const built = await cluster(sim, { ...spec, namespaces: [own, ...(spec.namespaces ?? [])] });
  const town: Cluster = {
    ...built,
    identity(of) {
      const resourceId = of.resourceId ?? identityId(of.name);
      if (!sim.azure.world.findIdentity(resourceId)) sim.azure.world.addIdentity({ resourceId });
      return built.identity(of);
    },
  };
  const written = new Map<string, number>();
  sim.kube.storage.onChange((id) => {
    const plural = id.split('.')[0] ?? '';
    written.set(plural, (written.get(plural) ?? 0) + 1);
  });
  const kubeconfig = join(folder, 'kubeconfig');
  const cloudConfigPath = join(folder, 'azure.json');
  await writeFile(kubeconfig, sim.kube.kubeconfig());
  await writeFile(
    cloudConfigPath,
    JSON.stringify({
      cloud: 'AzurePublicCloud',
      resourceManagerEndpoint: sim.azure.armUrl,
      activeDirectoryEndpoint: sim.azure.entraUrl,
      tenantId: clusterIdentity.tenantId,
      subscriptionId: subscription,
      useManagedIdentityExtension: true,
      userAssignedIdentityID: clusterIdentity.clientId,
    }),
  );
  const startMic = async (options: MicOptions = {}) => {
    const mic = await runMic({
      sim,
      kubeconfig,
      cloudConfigPath,
      clock,
      options: { name: `mic-${mics.length + 1}`, ...options },
    });
    mics.push(mic);
    return mic;
  };
  const assigned = () => sim.kube.list('azureassignedidentities');
  const states = () =>
    assigned()
      .map((object) => `${object.metadata.name}: ${stateOf(object)}`)
      .sort();
  const within: Stage['within'] = (awaited, what) => {
    const late = Promise.withResolvers<never>();
    const why = () => new Error(`waited for ${what}; the records: ${states().join()}`);
    const deadline = setTimeout(() => late.reject(why()), patienceMs);
    return Promise.race([awaited, late.promise]).finally(() => clearTimeout(deadline));
  };
  const until: Stage['until'] = (holds, what = String(holds)) => within(sim.kube.until(holds), what);
  return {
    sim,
    town,
    startMic,
    assigned,
    states,
    within,
    until,
    allAssigned: (count) =>
      until(() => {
        const now = assigned();
        return now.length === count && now.every((object) => stateOf(object) === 'Assigned');
      }, `${count} records, all of them Assigned`),
    warp: (ms) => clock.warp(ms),
    attached: (scaleSet) =>
      sim.azure.world.attachedTo(scaleSetId(scaleSet)).map((id) => id.slice(id.lastIndexOf('/') + 1)),
    patches: () => sim.azure.journal.count({ service: 'arm', method: 'PATCH' }),
    writes: (plural) => written.get(plural) ?? 0,
    async remove(plural, name, namespace = 'default') {
      const base = plural === 'pods' ? '/api/v1' : '/apis/aadpodidentity.k8s.io/v1';
      await town.client.request('DELETE', `${base}/namespaces/${namespace}/${plural}/${name}`);
    },
    async close() {
      await Promise.all(mics.map((mic) => mic.stop()));
      await sim.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function stateOf(object: KubeObject): string {
  return (object['status'] as { status?: string } | undefined)?.status ?? '';
}

interface Running {
  readonly sim: Sim;
  readonly kubeconfig: string;
  readonly cloudConfigPath: string;
  readonly clock: WarpClock;
  readonly options: MicOptions & { readonly name: string };
}

async function runMic({ sim, kubeconfig, cloudConfigPath, clock, options }: Running): Promise<RunningMic> {
  const { name, rules, leaseMs = 15_000, onRequest, ...settings } = options;
  const lines: string[] = [];
  const log = createLog({
    component: name,
    level: 'debug',
    destination: { write: (line) => void lines.push(line) },
  });
  const random = Math.random;
  const userAgent = `test/${name}`;
  const azure = await connectAzure({
    cloudConfigPath,
    env: { AZURE_POD_IDENTITY_AUTHORITY_HOST: sim.azure.imdsUrl(micMachine) },
    clock,
    random,
    userAgent,
    log,
  });
  const transport = await connectKube({ kubeconfig, userAgent });
  const watched: KubeTransport = {
    ...transport,
    request: (request) => {
      onRequest?.(request);
      return transport.request(request);
    },
  };
  const metrics = createMetrics(micMetrics);
  const events = createEventRecorder({ transport, component: 'aadpodidentity.k8s.io', clock, random, log });
  const controller = createMic({
    transport: watched,
    clock,
    random,
    yieldTurn,
    log,
    metrics,
    events,
    hosts: azure.hosts,
    settings: {
      namespace: own,
      forceNamespaced: false,
      // In real time: on a slow machine waiting assignments would be written once more.
      recordAfterMs: 60_000,
      writesPerHost: 20,
      resyncMs: 3_600_000,
      ...settings,
      rules: () => ({
        forceNamespaced: settings.forceNamespaced ?? false,
        immutableClientIds: new Set([azure.clusterClientId()]),
        detachGraceMs: 0,
        driftPeriodMs: 180_000,
        ...rules,
      }),
      principalId: () => undefined,
    },
  });
  const elector = createElector({
    transport,
    namespace: own,
    name: 'aad-pod-identity-mic',
    identity: name,
    durationMs: leaseMs,
    renewMs: leaseMs / 2,
    retryMs: Math.min(leaseMs / 4, 250),
    // The lease uses real time: a jump of the clock must not change the leader.
    clock: systemClock,
    random,
    log,
  });
  const stopping = new AbortController();
  const running = Promise.all([
    controller.run(stopping.signal),
    elector.run(stopping.signal, (term) => controller.lead(term)),
  ]);
  let ended: Promise<void> | undefined;
  const stop = async () => {
    stopping.abort(new Error('stopped by the test'));
    await running;
    await events.flush();
    await transport.close();
    azure.close();
  };
  return {
    name,
    controller,
    lines,
    metrics: () => {
      controller.refreshGauges();
      return metrics.text();
    },
    stop: () => (ended ??= stop()),
  };
}
