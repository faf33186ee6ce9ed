// MIC: the time from a pod's creation to Assigned in clusters of several sizes.
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeSettings } from '../../stage/node-settings.ts';
import { startService, type Service } from '../../stage/service.ts';
import { within } from '../../stage/within.ts';
import type { ClusterSize, Counts, Opened, Order } from '../cluster-world.ts';
import { micSizes, type MicSizes } from './mic-sizes.ts';
import { anonymousMiB, cpuMicroseconds, residentMiB } from '../process.ts';
import { rounded, type Figures } from '../report.ts';
import type { Scale } from '../scale.ts';

const mic = fileURLToPath(new URL('../../../packages/mic/dist/mic.js', import.meta.url));
const worldProgram = fileURLToPath(new URL('../cluster-world.ts', import.meta.url));

export async function benchMic(say: (text: string) => void, scale: Scale): Promise<Figures> {
  const { scaleSets: sets, runs, large: largeSize, churn } = micSizes[scale];
  const hundred = await assignAll({ ...sets, pods: runs[0] }, say);
  const thousand = await assignAll({ ...sets, pods: runs[1] }, say);
  const tenThousand = await assignAll({ ...sets, pods: runs[2] }, say);
  const large = await steadyCluster(largeSize, churn, say);
  const figure = (name: string, value: number, what: string) => ({ name, value: rounded(value), what });
  return [
    figure('rss100MiB', hundred.rssMiB, "MIC's resident memory after 100 pods (MiB)"),
    figure('rssAnon100MiB', hundred.anonymousMiB, 'the part of it that belongs to no file (MiB)'),
    figure('rssMiB', tenThousand.rssMiB, "MIC's resident memory after 10,000 pods (MiB)"),
    figure(
      'assign100Ms',
      hundred.ms,
      '100 new pods on 20 scale sets until all are Assigned (ms, ARM answers at once)',
    ),
    figure('assign1000Ms', thousand.ms, '1,000 pods, likewise'),
    figure(
      'assign10000Ms',
      tenThousand.ms,
      '10,000 pods, likewise (the default --clientQps of 1,000 sets the pace)',
    ),
    figure('cpuPerPodMs', tenThousand.cpuMs / runs[2], "MIC's processor time for each of those pods (ms)"),
    figure(
      'armPatchesPerHost',
      thousand.counts.armPatches / sets.scaleSets,
      'PATCHes a scale set for those 1,000 pods',
    ),
    figure(
      'apiWritesPerPod',
      thousand.writesPerPod,
      "MIC's AzureAssignedIdentity writes over a pod's life; the garbage collector deletes (the original: 5)",
    ),
    figure('eventWritesPerPod', thousand.eventsPerPod, "Event writes over a pod's life"),
    ...large,
  ];
}

/** Longer than the world's own limit, whose error says how far it got. */
const orderPatienceMs = 960_000;
const scrapePatienceMs = 60_000;

/** The simulated world in its own process, and MIC in another. */
class Ring implements AsyncDisposable {
  readonly #world: ChildProcess;
  readonly #folder: string;
  readonly #waiting = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>();
  #serial = 0;
  #service: Service | undefined;

  private constructor(world: ChildProcess, folder: string) {
    this.#world = world;
    this.#folder = folder;
    world.on('message', (message) => {
      const { id, answer, error } = message as { id: number; answer: unknown; error?: string };
      const waiter = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiter?.resolve(answer);
      else waiter?.reject(new Error(error));
    });
    world.once('exit', (code, signal) => {
      const error = new Error(`the process of the bench's world ended (${code ?? signal ?? ''})`);
      for (const waiter of this.#waiting.values()) waiter.reject(error);
      this.#waiting.clear();
    });
  }

  static async open(size: ClusterSize): Promise<{ ring: Ring; opened: Opened }> {
    const world = fork(worldProgram, { execArgv: ['--max-old-space-size=8192'], stdio: 'inherit' });
    const ring = new Ring(world, await mkdtemp(join(tmpdir(), 'pod-identity-bench-')));
    return { ring, opened: (await ring.order({ do: 'open', size })) as Opened };
  }

  order(order: Order): Promise<unknown> {
    const id = this.#serial++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { resolve, reject });
    this.#world.send({ id, order });
    return within(orderPatienceMs, `the bench's world to carry out ${JSON.stringify(order)}`, promise);
  }

  async startMic({
    kubeUrl,
    armUrl,
    imdsUrl,
  }: Opened): Promise<{ readonly service: Service; readonly metrics: () => Promise<string> }> {
    const azure = join(this.#folder, 'azure.json');
    await writeFile(join(this.#folder, 'token'), 'any');
    const cloud = {
      cloud: 'AzurePublicCloud',
      tenantId: 'tenant',
      subscriptionId: 'sub',
      resourceGroup: 'nodes',
    };
    await writeFile(
      azure,
      JSON.stringify({ ...cloud, useManagedIdentityExtension: true, resourceManagerEndpoint: armUrl }),
    );
    const service = startService({
      name: 'mic',
      entry: mic,
      args: [
        // As in a pod: reading a kubeconfig loads a library.
        ...['--master', kubeUrl, '--service-account-dir', this.#folder],
        ...['--cloudconfig', azure, '--log-format', 'json', '--log-level', 'info'],
        ...[
          '--http-probe-port',
          '0',
          '--prometheus-port',
          '0',
          '--leader-election-namespace',
          'aad-pod-identity',
        ],
      ],
      env: {
        MIC_POD_NAMESPACE: 'aad-pod-identity',
        AZURE_POD_IDENTITY_AUTHORITY_HOST: imdsUrl,
        // With the heap limit of MIC's manifest.
        ...(await nodeSettings('mic')).env,
      },
    });
    this.#service = service;
    const line = await service.line((text) => text.includes('"role":"metrics"'));
    const { port } = JSON.parse(line) as { port: number };
    await service.logged('became leader');
    const scrape = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    return { service, metrics: () => within(scrapePatienceMs, "MIC's metrics", scrape()) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service?.stop();
    this.#world.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

interface Assigned {
  readonly ms: number;
  readonly rssMiB: number;
  readonly anonymousMiB: number;
  readonly cpuMs: number;
  readonly counts: Counts;
  readonly writesPerPod: number;
  readonly eventsPerPod: number;
}

async function assignAll(size: ClusterSize, say: (text: string) => void): Promise<Assigned> {
  const { ring, opened } = await Ring.open(size);
  await using world = ring;
  const { service } = await world.startMic(opened);
  const cpuBefore = cpuMicroseconds(service.pid);
  const begun = performance.now();
  await world.order({ do: 'addPods' });
  await world.order({ do: 'untilAssigned', count: size.pods });
  const ms = performance.now() - begun;
  const cpuMs = (cpuMicroseconds(service.pid) - cpuBefore) / 1000;
  const counts = (await world.order({ do: 'count' })) as Counts;
  const memory = {
    rssMiB: await residentMiB(service.pid),
    anonymousMiB: await anonymousMiB(service.pid),
  };
  await world.order({ do: 'removePods' });
  await world.order({ do: 'untilAssigned', count: 0 });
  const life = (await world.order({ do: 'count' })) as Counts;
  say(
    `${size.pods} pods: ${Math.round(ms)} ms, ${counts.armPatches} PATCHes, ${Math.round(memory.rssMiB)} MiB`,
  );
  return {
    ms,
    ...memory,
    cpuMs,
    counts,
    writesPerPod: life.assignedIdentityWrites / size.pods,
    eventsPerPod: life.eventWrites / size.pods,
  };
}

async function steadyCluster(
  size: ClusterSize,
  churn: MicSizes['churn'],
  say: (text: string) => void,
): Promise<Figures> {
  const { ring, opened } = await Ring.open(size);
  await using world = ring;
  await world.order({ do: 'addPods' });
  const { service, metrics } = await world.startMic(opened);
  const begun = performance.now();
  await world.order({ do: 'untilAssigned', count: size.pods });
  const filledMs = performance.now() - begun;
  const nodes = size.scaleSets * size.nodesPerScaleSet;
  say(`${size.pods} pods on ${nodes} nodes, all Assigned after ${Math.round(filledMs / 1000)} s`);
  say(`churning ${churn.perSecond} pods a second for ${churn.seconds} s`);
  // Reading the lag resets it: the next value is that of the churn alone.
  const before = passes(await metrics());
  const memory: number[] = [];
  const sampler = setInterval(() => void residentMiB(service.pid).then((mib) => memory.push(mib)), 1_000);
  await world.order({ do: 'churn', ...churn });
  clearInterval(sampler);
  const text = await metrics();
  await world.order({ do: 'untilAssigned', count: size.pods });
  return largeFigures({ rssMiB: Math.max(...memory), filledMs, before, text });
}

interface Churned {
  readonly rssMiB: number;
  readonly filledMs: number;
  readonly before: Passes;
  /** The metrics after the churn. */
  readonly text: string;
}

function largeFigures({ rssMiB, filledMs, before, text }: Churned): Figures {
  const after = passes(text);
  const passMs = ((after.seconds - before.seconds) / (after.count - before.count)) * 1000;
  const figure = (name: string, value: number, what: string) => ({ name, value: rounded(value), what });
  return [
    figure(
      'largeRssMiB',
      rssMiB,
      "MIC's largest resident memory at 5,000 nodes, 100,000 pods, 5,000 identities, under churn (MiB)",
    ),
    figure(
      'largeLagP99Ms',
      metric(text, 'nodejs_eventloop_lag_p99_seconds') * 1000,
      'p99 of the event-loop lag under that churn of 100 pods a second (ms)',
    ),
    figure(
      'largePassMs',
      passMs,
      'mean time of a pass over a host that had work to do (ms, writes included)',
    ),
    figure('largeFillMs', filledMs, 'from MIC leading to all 100,000 pods Assigned (ms)'),
  ];
}

interface Passes {
  readonly seconds: number;
  readonly count: number;
}

function passes(text: string): Passes {
  return {
    seconds: metric(text, 'aadpodidentity_mic_cycle_duration_seconds_sum'),
    count: metric(text, 'aadpodidentity_mic_cycle_duration_seconds_count'),
  };
}

function metric(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1] ?? NaN);
}
