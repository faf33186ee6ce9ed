// The MICs and NMIs as processes that are killed, stopped and started again.
import type { Service } from '../../stage/service.ts';
import type { Stage, StageNmi } from '../../stage/stage.ts';
import type { AccessMode } from '../plan/faults.ts';
import { nmiNodes, nodes } from '../plan/scene.ts';
import { machineOf } from './azure.ts';
import type { Recorder } from './recorder.ts';

export interface Processes {
  /** The MIC that holds the Lease and runs; waits until there is one. */
  leader(): Promise<string>;
  kill(mic: string): void;
  /** Tells it to end (SIGTERM). Resolves when it has; an exit code other than 0 is a violation. */
  terminate(mic: string): Promise<void>;
  startMic(mic: string): Promise<void>;
  /** Stops the process (SIGSTOP) until `wake`. */
  halt(mic: string): void;
  wake(mic: string): void;
  nmi(node: string): StageNmi | undefined;
  killNmi(node: string): void;
  terminateNmi(node: string): Promise<void>;
  haltNmi(node: string): void;
  wakeNmi(node: string): void;
  startNmi(node: string): Promise<void>;
  /** Starts or wakes whatever does not run. */
  repair(): Promise<void>;
  running(): readonly Service[];
}

export interface Settings {
  readonly mode: AccessMode;
}

export const micNames = ['mic-1', 'mic-2'];
const leaseSeconds = 3;

/** The shortest times that both accept. */
const accessArgs = {
  namespace: { mic: [], nmi: [] },
  rbac: {
    mic: ['--identity-access', 'rbac', '--access-recheck', '10s'],
    nmi: ['--identity-access', 'rbac', '--access-max-age', '5s'],
  },
} as const;
const micArgs = (name: string, mode: AccessMode): string[] => [
  ...accessArgs[mode].mic,
  ...['--leader-election-duration', `${leaseSeconds}s`, '--detach-grace-period', '2s'],
  ...['--identity-assignment-reconcile-interval', '15s', '--custom-user-agent', name],
  ...['--startup-taint', ''],
];
const nmiArgs = ({ mode }: Settings): string[] => ['--hold', '2s', ...accessArgs[mode].nmi];

interface Watched {
  readonly stage: Stage;
  readonly follow: (service: Service) => void;
  /** Kills it; its end is expected. */
  readonly end: (service: Service | undefined) => void;
  readonly terminate: (service: Service | undefined) => Promise<void>;
  readonly settings: Settings;
  readonly recorder: Recorder;
}

export function createProcesses(stage: Stage, recorder: Recorder, settings: Settings): Processes {
  const [expected, told] = [new Set<Service>(), new Set<Service>()];
  const isExpected = (service: Service) =>
    expected.has(service) || (told.has(service) && service.exitCode === 0);
  const watched: Watched = {
    stage,
    settings,
    recorder,
    follow: (service) => {
      void service.ended.then(() => {
        const lastLine = service.lines.at(-1) ?? '';
        recorder.exit({ service: service.name, isExpected: isExpected(service), lastLine });
      });
    },
    end: (service) => {
      if (service === undefined) return;
      expected.add(service);
      signal(service, 'SIGKILL');
    },
    terminate: async (service) => {
      if (service === undefined) return;
      told.add(service);
      signal(service, 'SIGTERM');
      await service.ended;
    },
  };
  const [mics, nmis] = [createMics(watched), createNmis(watched)];
  const repair = async () => {
    await mics.repair();
    await nmis.repair();
  };
  const running = () => [...mics.all(), ...nmis.all()];
  return { ...mics, ...nmis, repair, running };
}

function createMics({ stage, recorder, follow, end, terminate, settings }: Watched) {
  const mics = new Map<string, Service>();
  const halted = new Set<string>();
  const startMic = async (name: string): Promise<void> => {
    const service = await stage.startMic(name.slice('mic-'.length), micArgs(name, settings.mode));
    follow(service);
    mics.set(name, service);
  };
  const wake = (name: string): void => {
    if (!halted.delete(name)) return;
    recorder.woke(name);
    signal(mics.get(name), 'SIGCONT');
  };
  return {
    startMic,
    wake,
    all: () => [...mics.values()],
    leader: () => leaderOf(stage, (name) => mics.has(name) && !halted.has(name)),
    kill: (name: string) => {
      end(mics.get(name));
      mics.delete(name);
      halted.delete(name);
    },
    terminate: async (name: string) => {
      const service = mics.get(name);
      mics.delete(name);
      await terminate(service);
    },
    halt: (name: string) => {
      halted.add(name);
      signal(mics.get(name), 'SIGSTOP');
    },
    repair: async () => {
      for (const name of micNames) wake(name);
      for (const name of micNames) if (!mics.has(name)) await startMic(name);
    },
  };
}

function createNmis({ stage, follow, end, terminate, settings }: Watched) {
  const nmis = new Map<string, StageNmi>();
  const startNmi = async (node: string): Promise<void> => {
    const position = nodes.findIndex(({ name }) => name === node);
    const place = nodes[position];
    if (!place) throw new TypeError(`the plan has no node ${node}`);
    const at = { node, machine: machineOf(place), position: positionOf(position) };
    const nmi = await stage.startNmi(at, nmiArgs(settings));
    follow(nmi.service);
    nmis.set(node, nmi);
  };
  return {
    startNmi,
    all: () => [...nmis.values()].map(({ service }) => service),
    nmi: (node: string) => nmis.get(node),
    killNmi: (node: string) => {
      end(nmis.get(node)?.service);
      nmis.delete(node);
    },
    terminateNmi: async (node: string) => {
      const nmi = nmis.get(node);
      nmis.delete(node);
      await terminate(nmi?.service);
    },
    haltNmi: (node: string) => signal(nmis.get(node)?.service, 'SIGSTOP'),
    wakeNmi: (node: string) => signal(nmis.get(node)?.service, 'SIGCONT'),
    repair: async () => {
      for (const { service } of nmis.values()) signal(service, 'SIGCONT');
      for (const node of nmiNodes) if (!nmis.has(node)) await startNmi(node);
    },
  };
}

/** The number of a node in addresses; the stage's own nodes come first. */
export const positionOf = (node: number): number => 20 + node;

function signal(service: Service | undefined, name: NodeJS.Signals): void {
  if (service?.exitCode !== null) return;
  try {
    process.kill(service.pid, name);
  } catch (error) {
    // A process that has ended by itself is recorded elsewhere.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function leaderOf({ sim }: Stage, runs: (name: string) => boolean): Promise<string> {
  const holder = () => {
    const [lease] = sim.kube.list('leases');
    const { holderIdentity = '' } = (lease?.['spec'] ?? {}) as { holderIdentity?: string };
    return holderIdentity;
  };
  await sim.kube.until(() => runs(holder()));
  return holder();
}
