// The MICs and NMIs as processes that are killed, stopped and started again.
import type { Service } from '../../stage/service.ts';
import type { Stage, StageNmi } from '../../stage/stage.ts';
import { nmiNodes, nodes } from '../plan/scene.ts';
import { machineOf } from './azure.ts';
import type { Recorder } from './recorder.ts';

export interface Processes {
  /** The MIC that holds the Lease and runs; waits until there is one. */
  leader(): Promise<string>;
  kill(mic: string): void;
  startMic(mic: string): Promise<void>;
  /** Stops the process (SIGSTOP) until `wake`. */
  halt(mic: string): void;
  wake(mic: string): void;
  nmi(node: string): StageNmi | undefined;
  killNmi(node: string): void;
  startNmi(node: string): Promise<void>;
  /** Starts or wakes whatever does not run. */
  repair(): Promise<void>;
}

export const micNames = ['mic-1', 'mic-2'];
const leaseSeconds = 3;

const micArgs = (name: string): string[] => [
  ...['--leader-election-duration', `${leaseSeconds}s`, '--detach-grace-period', '2s'],
  ...['--identity-assignment-reconcile-interval', '15s', '--custom-user-agent', name],
  ...['--startup-taint', ''],
];
const nmiArgs = ['--hold', '2s'];

interface Watched {
  readonly stage: Stage;
  readonly follow: (service: Service) => void;
  /** Kills it; its end is expected. */
  readonly end: (service: Service | undefined) => void;
  readonly recorder: Recorder;
}

export function createProcesses(stage: Stage, recorder: Recorder): Processes {
  const expected = new Set<Service>();
  const watched: Watched = {
    stage,
    recorder,
    follow: (service) => {
      void service.ended.then(() => {
        const lastLine = service.lines.at(-1) ?? '';
        recorder.exit({ service: service.name, isExpected: expected.has(service), lastLine });
      });
    },
    end: (service) => {
      if (service === undefined) return;
      expected.add(service);
      signal(service, 'SIGKILL');
    },
  };
  const [mics, nmis] = [createMics(watched), createNmis(watched)];
  const repair = async () => {
    await mics.repair();
    await nmis.repair();
  };
  return { ...mics, ...nmis, repair };
}

function createMics({ stage, recorder, follow, end }: Watched) {
  const mics = new Map<string, Service>();
  const halted = new Set<string>();
  const startMic = async (name: string): Promise<void> => {
    const service = await stage.startMic(name.slice('mic-'.length), micArgs(name));
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
    leader: () => leaderOf(stage, (name) => mics.has(name) && !halted.has(name)),
    kill: (name: string) => {
      end(mics.get(name));
      mics.delete(name);
      halted.delete(name);
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

function createNmis({ stage, follow, end }: Watched) {
  const nmis = new Map<string, StageNmi>();
  const startNmi = async (node: string): Promise<void> => {
    const position = nodes.findIndex(({ name }) => name === node);
    const place = nodes[position];
    if (!place) throw new TypeError(`the plan has no node ${node}`);
    const at = { node, machine: machineOf(place), position: positionOf(position) };
    const nmi = await stage.startNmi(at, nmiArgs);
    follow(nmi.service);
    nmis.set(node, nmi);
  };
  return {
    startNmi,
    nmi: (node: string) => nmis.get(node),
    killNmi: (node: string) => {
      end(nmis.get(node)?.service);
      nmis.delete(node);
    },
    repair: async () => {
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
