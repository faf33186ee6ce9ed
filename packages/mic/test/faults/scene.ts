// One world on one fake clock: simulated Azure, simulated API server and whole MICs. An hour passes in a second, and
// everything that can happen at one moment has happened before the next one comes.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { vi } from 'vitest';
import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';
import {
  cluster,
  startSim,
  type AzureOptions,
  type Cluster,
  type ClusterSpec,
  type FaultHandle,
  type FaultRule,
  type JournalEntry,
  type KubeObject,
  type Sim,
} from '@pod-identity/sim';
import { identityId, own, stateOf, subscription } from '../stage.ts';
import { runMic, type MicOptions, type RunningMic } from './mic.ts';
import { tapWire, type Wire } from './wire.ts';

/** A call to ARM about a host: when it was seen, at most one step late. */
export interface ArmCall {
  readonly at: number;
  readonly method: string;
  readonly host: string;
  readonly body: string;
}

export interface Scene extends AsyncDisposable {
  readonly sim: Sim;
  readonly town: Cluster;
  readonly clock: FakeClock;
  startMic(options?: MicOptions): Promise<RunningMic>;
  /** An AzureIdentity and the binding that selects it, both called after the selector. */
  bind(...selectors: readonly string[]): Promise<void>;
  /** All at once, and without a request. */
  pods(pods: Iterable<PodSketch>): void;
  remove(plural: string, name: string): Promise<void>;
  /** Everything that can happen at this moment has happened. */
  settle(): Promise<void>;
  /** Time passes in steps; at each one everything happens that can. */
  pass(ms: number, stepMs?: number): Promise<void>;
  /** Time passes until it holds; throws when it does not within that time. Returns how long it took. */
  until(what: () => boolean, withinMs?: number): Promise<number>;
  /** Requests to ARM that are never answered. */
  hang(path: RegExp, method?: string): FaultHandle;
  /** Requests to this path hang: time passes all the same. */
  leaveOut(path: RegExp): void;
  armFault(rule: Omit<FaultRule['match'], 'service'>, then: FaultRule['then'], times?: number): FaultHandle;
  /** What ARM was asked about hosts so far, polls of operations left out. */
  readonly calls: readonly ArmCall[];
  callsTo(host: string, method?: string): readonly ArmCall[];
  attached(host: string): readonly string[];
  /** `name: state` of every AzureAssignedIdentity, sorted. */
  states(): readonly string[];
  isAllAssigned(count: number): boolean;
  events(reason: string): readonly string[];
  /** Host records, as MIC keeps them. */
  records(): readonly HostRecord[];
}

export interface HostRecord {
  readonly ours: readonly { readonly id: string; readonly confirmed: boolean }[];
  readonly notBefore: number;
}

export interface PodSketch {
  readonly name: string;
  readonly label: string;
  readonly node: string;
}

export interface SceneOptions extends ClusterSpec {
  readonly azure?: AzureOptions;
}

// Hours of a whole cluster are seconds of work: more on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 300_000 });

const micMachine = 'mic-machine';
const startsAt = Date.UTC(2026, 0, 5, 12);
const stepMs = 250;
/** The event loop goes round so many times without anything under way: what was said over loopback has been heard. */
const quietTurns = 12;

export async function setScene({ azure = {}, ...spec }: SceneOptions): Promise<Scene> {
  const clock = createFakeClock(startsAt);
  const now = () => clock.now();
  const sim = await startSim({
    azure: { armLatencyMs: 5_000, ...azure, now, after: (ms, run) => clock.after(ms, run) },
    kube: {
      now,
      after: (ms, run) => {
        const timer = clock.after(ms, run);
        return () => timer.cancel();
      },
    },
  });
  const folder = await mkdtemp(join(tmpdir(), 'mic-scene-'));
  const cloud = await layOut(sim);
  const town = await cluster(sim, { ...spec, namespaces: [own] });
  const paths = { kubeconfig: join(folder, 'kubeconfig'), cloudConfigPath: join(folder, 'azure.json') };
  await writeFile(paths.kubeconfig, sim.kube.kubeconfig());
  await writeFile(paths.cloudConfigPath, JSON.stringify(cloud));

  const wire = tapWire();
  const time = createTime({ sim, clock, wire });
  const mics: RunningMic[] = [];
  return {
    sim,
    town,
    clock,
    calls: time.calls,
    ...lookAt(sim, time.calls),
    ...createActs(sim, town, wire),
    settle: () => time.settle(),
    pass: (ms, step) => time.pass(ms, step),
    until: (what, within) => time.until(what, within),
    async startMic(options = {}) {
      const name = `mic-${mics.length + 1}`;
      const imds = sim.azure.imdsUrl(micMachine);
      const mic = await runMic({ ...paths, imds, clock, options: { name, ...options } });
      mics.push(mic);
      return mic;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(mics.map((mic) => mic.stop()));
      await sim.stop();
      wire[Symbol.dispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** MIC's own identity and machine; answers azure.json. */
async function layOut(sim: Sim): Promise<object> {
  const { world, armUrl, entraUrl } = sim.azure;
  const mine = world.addIdentity({ resourceId: identityId('cluster-agentpool') });
  const machine = identityId('x').replace(/Microsoft\.ManagedIdentity.*/, '');
  world.addVirtualMachine({
    id: `${machine}Microsoft.Compute/virtualMachines/${micMachine}`,
    identities: [mine.resourceId],
  });
  await sim.azure.ready();
  return {
    cloud: 'AzurePublicCloud',
    resourceManagerEndpoint: armUrl,
    activeDirectoryEndpoint: entraUrl,
    tenantId: mine.tenantId,
    subscriptionId: subscription,
    useManagedIdentityExtension: true,
    userAssignedIdentityID: mine.clientId,
  };
}

interface TimeParts {
  readonly sim: Sim;
  readonly clock: FakeClock;
  readonly wire: Wire;
}

function createTime({ sim, clock, wire }: TimeParts) {
  const calls: ArmCall[] = [];
  let mark = 0;
  const noteCalls = () => {
    const fresh = sim.azure.journal.entries({ service: 'arm', since: mark });
    mark = sim.azure.journal.mark();
    for (const entry of fresh) {
      const host = hostNameIn(entry);
      if (host) calls.push({ at: clock.now(), method: entry.method, host, body: entry.body ?? '' });
    }
  };
  const settle = async () => {
    for (let quiet = 0; quiet < quietTurns;) {
      await turn();
      quiet = wire.isQuiet ? quiet + 1 : 0;
    }
    noteCalls();
  };
  const pass = async (ms: number, step = stepMs) => {
    const end = clock.now() + ms;
    await settle();
    while (clock.now() < end) {
      await clock.advance(Math.min(step, end - clock.now()));
      await settle();
    }
  };
  const until = async (what: () => boolean, withinMs = 120_000) => {
    const began = clock.now();
    await settle();
    while (!what()) {
      if (clock.now() - began >= withinMs)
        throw new Error(`not within ${withinMs / 1000} s: ${String(what)}`);
      await pass(stepMs);
    }
    return clock.now() - began;
  };
  return { calls, settle, pass, until };
}

function hostNameIn({ path }: JournalEntry): string | undefined {
  return /\/(?:virtualMachines|virtualMachineScaleSets)\/([^/]+)$/i.exec(path)?.[1]?.toLowerCase();
}

function lookAt(sim: Sim, calls: readonly ArmCall[]) {
  const assigned = () => sim.kube.list('azureassignedidentities');
  return {
    attached: (host: string) =>
      sim.azure.world.attachedTo(hostIdOf(sim, host)).map((id) => id.slice(id.lastIndexOf('/') + 1)),
    states: () =>
      assigned()
        .map((object) => `${object.metadata.name}: ${stateOf(object)}`)
        .sort(),
    isAllAssigned: (count: number) => {
      const objects = assigned();
      return objects.length === count && objects.every((object) => stateOf(object) === 'Assigned');
    },
    events: (reason: string) =>
      sim.kube
        .list('events')
        .filter((event) => event['reason'] === reason)
        .map(
          (event) =>
            (event['involvedObject'] as { kind: string; name: string }).kind +
            '/' +
            (event['involvedObject'] as { name: string }).name,
        )
        .sort(),
    records: () => sim.kube.list('configmaps', own).flatMap(recordIn),
    callsTo: (host: string, method?: string) =>
      calls.filter((call) => call.host === host && (method === undefined || call.method === method)),
  };
}

function recordIn(configMap: KubeObject): HostRecord[] {
  const text = (configMap['data'] as Record<string, string> | undefined)?.['record.json'];
  return text === undefined ? [] : [JSON.parse(text) as HostRecord];
}

/** The world's own spelling, for a scale set or a virtual machine of that name. */
function hostIdOf(sim: Sim, name: string): string {
  const group = identityId('x').replace(/Microsoft\.ManagedIdentity.*/, 'Microsoft.Compute/');
  const ids = ['virtualMachineScaleSets', 'virtualMachines'].map((type) => `${group}${type}/${name}`);
  return ids.find((id) => sim.azure.world.hostRecord(id) !== undefined) ?? `no host ${name}`;
}

function createActs(sim: Sim, town: Cluster, wire: Wire) {
  const armFault = (
    match: Omit<FaultRule['match'], 'service'>,
    then: FaultRule['then'],
    times?: number,
  ): FaultHandle =>
    sim.azure.faults.add({
      match: { service: 'arm', ...match },
      then,
      ...(times === undefined ? {} : { times }),
    });
  return {
    armFault,
    leaveOut: (path: RegExp) => wire.leaveOut(path),
    hang(path: RegExp, method?: string) {
      wire.leaveOut(path);
      return armFault({ path, ...(method === undefined ? {} : { method }) }, { hang: true });
    },
    async bind(...selectors: readonly string[]) {
      for (const name of selectors) {
        await town.identity({ name });
        await town.binding({ name: `${name}-binding`, identity: name, selector: name });
      }
    },
    pods: (pods: Iterable<PodSketch>) => sim.kube.seed(Array.from(pods, podOf)),
    async remove(plural: string, name: string) {
      const base = plural === 'pods' ? '/api/v1' : '/apis/aadpodidentity.k8s.io/v1';
      await town.client.request('DELETE', `${base}/namespaces/default/${plural}/${name}`);
    },
  };
}

function podOf({ name, label, node }: PodSketch): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels: { aadpodidbinding: label } },
    spec: { nodeName: node },
    status: { phase: 'Running' },
  };
}
