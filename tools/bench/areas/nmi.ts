// NMI: the processor time of a cached token compared with a bare node:http server that sends the same bytes, what NMI adds to a miss
// over a request to IMDS itself, the effect of a noisy neighbour, memory, start.
import { createMemoryCgroup } from '../cgroup.ts';
import { pin } from '../pin.ts';
import { anonymousMiB, residentMiB } from '../process.ts';
import type { Figures } from '../report.ts';
import type { Scale } from '../scale.ts';
import { cachedRounds } from './nmi-cached.ts';
import {
  at,
  cachedFigures,
  figures,
  missFigures,
  restFigures,
  type Cached,
  type Memory,
} from './nmi-figures.ts';
import { hostileColdP99 } from './nmi-hostile.ts';
import { missTimes } from './nmi-misses.ts';
import { neighbourTimes } from './nmi-neighbours.ts';
import type { Place, RunningNmi } from './nmi-process.ts';
import { secretReadings } from './nmi-readings.ts';
import { manyPods, nmiSizes, type NmiSizes } from './nmi-sizes.ts';
import { openNmiWorld, path, type NmiWorld } from './nmi-world.ts';

type Say = (text: string) => void;

export async function benchNmi(say: Say, scale: Scale): Promise<Figures> {
  const sizes = nmiSizes[scale];
  const { podsOfNodes } = sizes;
  const hostileCold = await hostileColdP99(sizes, { say, pin });
  say(`nodes with ${podsOfNodes.join(', ')} pods of one identity`);
  await using world = await openNmiWorld(podsOfNodes, sizes.rounds * sizes.hostileSecrets);
  pin(process.pid, 1);
  const starts = await startTimes(world, sizes, say);
  const { quiet, admin } = await neighbourTimes(world, sizes, say);
  const besideSecrets = await secretReadings({ world, sizes, say, path });
  const cached = await measureCached(world, sizes, say);
  return figures({ ...cached, starts, quiet, admin, besideSecrets, hostileCold });
}

/** Only speed and memory, for changes of those. */
export async function benchNmiCached(say: Say, scale: Scale): Promise<Figures> {
  const sizes = nmiSizes[scale];
  await using world = await openNmiWorld(sizes.podsOfNodes);
  pin(process.pid, 1);
  return cachedFigures(await measureCached(world, sizes, say));
}

async function startTimes(world: NmiWorld, { rounds }: NmiSizes, say: Say): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const nmi = await world.startNmi(manyPods);
    times.push(nmi.startMs);
    await nmi.stop();
  }
  say(`ready after ${times.map(Math.round).join(', ')} ms`);
  return times;
}

/** Misses, and memory at rest. */
export async function benchNmiMisses(say: Say, scale: Scale): Promise<Figures> {
  const sizes = nmiSizes[scale];
  await using world = await openNmiWorld(sizes.podsOfNodes);
  pin(process.pid, 1);
  using place = memoryPlace(say);
  const nmi = await world.startNmi(manyPods, unlimited, place);
  const misses = await missTimes({ world, nmi, sizes, say });
  const memory = await place.memoryOf(nmi);
  await nmi.stop();
  return [...missFigures(misses), ...restFigures({ memory, sizes })];
}

/** With the default for one pod the measurement would only show that limit. */
const unlimited = ['--pod-requests-per-second', '0'];

/** Misses, cached tokens and memory, of the same agents. */
async function measureCached(world: NmiWorld, sizes: NmiSizes, say: Say): Promise<Cached> {
  using place = memoryPlace(say);
  const agents: RunningNmi[] = [];
  for (const node of sizes.podsOfNodes.keys())
    agents.push(await world.startNmi(node, unlimited, node === manyPods ? place : {}));
  const nmi = at(agents, manyPods);
  const misses = await missTimes({ world, nmi, sizes, say });
  const memory = await place.memoryOf(nmi);
  const rounds = await cachedRounds({ world, agents, sizes, say });
  const memoryLoaded = await place.memoryOf(nmi);
  const lines = await nmi.stop();
  for (const other of agents) if (other !== nmi) await other.stop();
  return { sizes, misses, rounds, memory, memoryLoaded, lines };
}

interface MemoryPlace extends Place, Disposable {
  memoryOf(nmi: RunningNmi): Promise<Memory>;
}

/** A cgroup of its own where one can be created; removed after its process has ended. */
function memoryPlace(say: Say): MemoryPlace {
  const made = createMemoryCgroup(`pod-identity-bench-${process.pid}`);
  if (typeof made === 'string') say(`no working set is measured: no memory cgroup can be made: ${made}`);
  const cgroup = typeof made === 'string' ? undefined : made;
  return {
    ...(cgroup && { cgroup: cgroup.processes }),
    memoryOf: async ({ pid }) => ({
      resident: await residentMiB(pid),
      anonymous: await anonymousMiB(pid),
      workingSet: cgroup?.workingSetMiB(),
    }),
    [Symbol.dispose]: () => cgroup?.remove(),
  };
}
