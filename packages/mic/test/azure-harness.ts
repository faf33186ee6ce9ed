// A simulated Azure for tests of the Azure room, on a clock that jumps to the end of each sleep.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Host, ResourceId } from '@pod-identity/crd-types';
import type { Clock } from '@pod-identity/kit/core';
import type { Log } from '@pod-identity/kit/serve';
import { startSim, type AzureOptions, type ManagedIdentity } from '@pod-identity/sim';
import { connectAzure, type Azure } from '../src/azure/connect.ts';
import type { ArmCall } from '../src/azure/hosts/host-calls.ts';
import type { UpdateContext } from '../src/apply/host-identities.ts';
import type { HostChange, UpdateOutcome } from '../src/snapshot/facts/outcomes.ts';

export const subscription = '11111111-1111-1111-1111-111111111111';
const inGroup = (rest: string) => `/subscriptions/${subscription}/resourceGroups/MC_group/providers/${rest}`;
export const identityId = (name: string) =>
  inGroup(`Microsoft.ManagedIdentity/userAssignedIdentities/${name}`);
export const canonical = (name: string) => identityId(name).toLowerCase() as ResourceId;

export interface JumpingClock extends Clock {
  jump(ms: number): void;
}

/** A sleep moves the clock and runs due timers on the way. */
export function createJumpingClock(): JumpingClock {
  const started = Date.now();
  let offset = 0;
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();
  const clock: JumpingClock = {
    now: () => started + offset,
    elapsed: () => offset,
    jump(ms) {
      const end = offset + ms;
      for (const timer of [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)) {
        timers.delete(timer);
        offset = Math.max(offset, timer.at);
        timer.run();
      }
      offset = end;
    },
    after(ms, run) {
      const timer = { at: offset + ms, run };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      clock.jump(ms);
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    },
  };
  return clock;
}

export interface LogLine {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export function createTestLog(): Log & { readonly lines: LogLine[]; next(): Promise<LogLine> } {
  const lines: LogLine[] = [];
  let heard = Promise.withResolvers<LogLine>();
  const at = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) => {
    const line = { level, fields, message };
    lines.push(line);
    heard.resolve(line);
    heard = Promise.withResolvers();
  };
  const log = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => log,
    level: 'debug' as const,
    lines,
    next: () => heard.promise,
  };
  return log;
}

export interface TestAzure extends AsyncDisposable {
  readonly sim: Awaited<ReturnType<typeof startSim>>;
  readonly azure: Azure;
  readonly clock: JumpingClock;
  readonly log: ReturnType<typeof createTestLog>;
  readonly calls: ArmCall[];
  readonly mic: ManagedIdentity;
  readonly configPath: string;
  addHost(
    kind: 'vm' | 'vmss',
    name: string,
    spec?: { systemAssigned?: boolean; identities?: string[] },
  ): Host;
  addIdentities(...names: string[]): ResourceId[];
  update(
    host: Host,
    change: Partial<HostChange>,
    context?: {
      signal?: AbortSignal;
      beforePatch?: UpdateContext['beforePatch'];
      mayBeSent?: () => boolean;
      spentUntil?: number;
    },
  ): Promise<UpdateOutcome>;
  /** Connects as a new process, without the state of this one. */
  reconnect(): Promise<Azure>;
  patches(host: Host): number;
  gets(host: Host): number;
}

/** The simulator, and MIC's client connected to it with a user-assigned identity of the machine `mic-node`. */
export async function startTestAzure(
  options: AzureOptions = {},
  config: Readonly<Record<string, unknown>> = {},
): Promise<TestAzure> {
  const clock = createJumpingClock();
  let mic: ManagedIdentity | undefined;
  const sim = await startSim({
    azure: {
      armLatencyMs: 20_000,
      now: () => clock.now(),
      after: (ms, run) => clock.after(ms, run),
      ...options,
      seed(world) {
        mic = world.addIdentity({ resourceId: identityId('mic') });
        world.addVirtualMachine({
          id: inGroup('Microsoft.Compute/virtualMachines/mic-node'),
          identities: [identityId('mic')],
        });
        options.seed?.(world);
      },
    },
  });
  const { world, journal } = sim.azure;
  const folder = await mkdtemp(join(tmpdir(), 'mic-azure-'));
  const configPath = join(folder, 'azure.json');
  const settings = {
    cloud: 'SimulatedCloud',
    resourceManagerEndpoint: sim.azure.armUrl,
    activeDirectoryEndpoint: sim.azure.entraUrl,
    useManagedIdentityExtension: true,
    userAssignedIdentityID: mic!.clientId,
    ...config,
  };
  await writeFile(configPath, JSON.stringify(settings));
  const log = createTestLog();
  const calls: ArmCall[] = [];
  const connect = () =>
    connectAzure({
      cloudConfigPath: configPath,
      env: { AZURE_POD_IDENTITY_AUTHORITY_HOST: sim.azure.imdsUrl('mic-node') },
      clock,
      random: () => 0.5,
      userAgent: 'aad-pod-identity/MIC/1.2.3/abc/today',
      log,
      onCall: (call) => calls.push(call),
    });
  const rooms = [await connect()];
  const azure = rooms[0]!;
  const count = (host: Host, method: string) =>
    journal.count({ service: 'arm', method, path: new RegExp(`${host.id}$`, 'i') });
  return {
    sim,
    azure,
    clock,
    log,
    calls,
    configPath,
    mic: mic!,
    addHost(kind, name, spec = {}) {
      const id = inGroup(
        `Microsoft.Compute/${kind === 'vm' ? 'virtualMachines' : 'virtualMachineScaleSets'}/${name}`,
      );
      if (kind === 'vm') world.addVirtualMachine({ id, ...spec });
      else world.addScaleSet({ id, instances: 1, ...spec });
      return { kind, id: id.toLowerCase() as ResourceId };
    },
    addIdentities: (...names) =>
      names.map((name) => {
        world.addIdentity({ resourceId: identityId(name) });
        return canonical(name);
      }),
    update: (host, change, context = {}) =>
      azure.hosts.update(
        host,
        { attach: [], renew: [], detach: [], ...change },
        {
          signal: context.signal ?? new AbortController().signal,
          ...(context.spentUntil !== undefined && { spentUntil: context.spentUntil }),
          ...(context.mayBeSent !== undefined && { mayBeSent: context.mayBeSent }),
          beforePatch: context.beforePatch ?? (() => Promise.resolve()),
        },
      ),
    async reconnect() {
      const room = await connect();
      rooms.push(room);
      return room;
    },
    patches: (host) => count(host, 'PATCH'),
    gets: (host) => count(host, 'GET'),
    async [Symbol.asyncDispose]() {
      for (const room of rooms) room.close();
      await sim.stop();
      await rm(folder, { recursive: true });
    },
  };
}
