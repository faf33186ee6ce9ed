// NMI: cached tokens a second beside a bare node:http server that answers the same bytes, what a miss adds to asking IMDS
// itself, what a noisy neighbour costs, memory, start.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { answerOf, startBareServer, type BareServer } from '../bare-server.ts';
import { startLoadGenerator } from '../load-generator.ts';
import { open, timeOf, type Load } from '../load.ts';
import { residentMiB } from '../process.ts';
import { quantile, type Figures } from '../report.ts';
import type { Scale } from '../scale.ts';
import { within } from '../../stage/within.ts';
import { at, figures, type MissTimes, type Pair, type Round } from './nmi-figures.ts';
import { hostileColdP99 } from './nmi-hostile.ts';
import { fewPods, manyPods, nmiSizes, type NmiSizes } from './nmi-sizes.ts';
import { secretReadings } from './nmi-readings.ts';
import { openNmiWorld, type NmiWorld, type RunningNmi } from './nmi-world.ts';

/** The metadata service takes 20 questions a second and NMI asks it 15 at most: slower than that, no question waits its turn. */
const missEveryMs = 80;
const hammerProgram = fileURLToPath(new URL('../hammer.ts', import.meta.url));

type Say = (text: string) => void;

const tokenPath = (resource: string) =>
  `/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${encodeURIComponent(resource)}`;
const path = tokenPath('https://vault.azure.net');

export async function benchNmi(say: Say, scale: Scale): Promise<Figures> {
  const sizes = nmiSizes[scale];
  const { podsOfNodes } = sizes;
  const hostileCold = await hostileColdP99(sizes, { say, pin });
  say(`nodes with ${podsOfNodes.join(', ')} pods of one identity`);
  await using world = await openNmiWorld(podsOfNodes, sizes.rounds * sizes.hostileSecrets);
  pin(process.pid, 1);
  const starts = await startTimes(world, sizes, say);
  const { quiet, admin } = await neighbours(world, sizes, say);
  const besideSecrets = await secretReadings({ world, sizes, say, path });
  const agents: RunningNmi[] = [];
  // The default for one pod would be the limit of everything.
  for (const node of podsOfNodes.keys())
    agents.push(await world.startNmi(node, ['--pod-requests-per-second', '0']));
  for (const { pid } of agents) pin(pid, 0);
  const misses = await missTimes({ world, nmi: at(agents, manyPods), sizes, say });
  const rss = await residentMiB(at(agents, manyPods).pid);
  const bare = await startBareServer(
    await answerOf({ ...at(agents, fewPods), path, localAddress: from(world, fewPods, 1)[0] ?? '' }),
  );
  const rates = await cachedRates({ world, agents, bare, sizes, say });
  const rssLoaded = await residentMiB(at(agents, manyPods).pid);
  bare.stop();
  return figures({ sizes, starts, quiet, admin, besideSecrets, misses, rates, rss, rssLoaded, hostileCold });
}

/** As many addresses as connections, each pod's in its turn. */
function from(world: NmiWorld, node: number, count: number): string[] {
  const addresses = at(world.nodes, node);
  return Array.from({ length: count }, (_, index) => at(addresses, index % addresses.length));
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

/** What a quiet pod waits, alone and beside one that never stops asking; with the limits that NMI has by default. */
interface Neighbours {
  /** Of tokens: the p99. */
  readonly quiet: readonly Pair[];
  /** Of metrics: the p50. */
  readonly admin: readonly Pair[];
}

async function neighbours(
  world: NmiWorld,
  { rounds, quietQuestions }: NmiSizes,
  say: Say,
): Promise<Neighbours> {
  const nmi = await world.startNmi(manyPods);
  pin(nmi.pid, 0);
  const [quiet = '', hostile = ''] = at(world.nodes, manyPods);
  const quietPod = await open(nmi, quiet);
  const wait = async (share: number) => {
    const times: number[] = [];
    for (let question = 0; question < quietQuestions; question += 1) {
      await pause(12);
      times.push(await timeOf(quietPod, path));
    }
    return quantile(times, share);
  };
  const beside = async (share: number, target: { readonly port: number; readonly path: string }) => {
    const without = await wait(share);
    const args = [hammerProgram, nmi.host, String(target.port), hostile, target.path];
    const hammer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await within(30_000, 'the noisy pod to begin', once(hammer.stdout, 'data'));
    pin(hammer.pid ?? 0, 1);
    const pair = { without, with: await wait(share) };
    hammer.kill();
    return pair;
  };
  await wait(0.5);
  const pairs: { quiet: Pair[]; admin: Pair[] } = { quiet: [], admin: [] };
  for (let round = 1; round <= rounds; round += 1) {
    const quietPair = await beside(0.99, { port: nmi.port, path });
    const adminPair = await beside(0.5, { port: nmi.metricsPort, path: '/metrics' });
    pairs.quiet.push(quietPair);
    pairs.admin.push(adminPair);
    const shown = (pair: Pair) => `${pair.without.toFixed(2)} ms, ${pair.with.toFixed(2)} ms`;
    say(
      `round ${round}: a quiet pod alone and beside a noisy one: p99 ${shown(quietPair)}; beside one at the metrics: p50 ${shown(adminPair)}`,
    );
  }
  quietPod.destroy();
  await nmi.stop();
  return pairs;
}

interface Missing {
  readonly world: NmiWorld;
  readonly nmi: RunningNmi;
  readonly sizes: NmiSizes;
  readonly say: Say;
}

/**
 * Tokens that nobody has yet, asked for by way of NMI and, for comparison, at the fake IMDS itself: in turns, over
 * connections that were used before.
 */
async function missTimes({ world, nmi, sizes, say }: Missing): Promise<MissTimes> {
  const { tokens, warmUp } = sizes;
  const { hostname, port } = world.imds(manyPods);
  const imds = await open({ host: hostname, port: Number(port) }, '127.0.0.1');
  const pods = await Promise.all(at(world.nodes, manyPods).map((address) => open(nmi, address)));
  for (const pod of pods) await timeOf(pod, path);
  const direct: number[] = [];
  const byNmi: number[] = [];
  for (let index = 0; index < tokens; index += 1) {
    const wanted = tokenPath(`https://${index}.local.test`);
    await pause(missEveryMs / 2);
    byNmi.push(await timeOf(at(pods, index % pods.length), wanted));
    await pause(missEveryMs / 2);
    direct.push(await timeOf(imds, `${wanted}&client_id=${world.clientId}`));
  }
  for (const socket of [imds, ...pods]) socket.destroy();
  const shown = (times: readonly number[]) =>
    [0.5, 0.9, 0.99].map((share) => quantile(times, share).toFixed(2)).join(' / ');
  say(`${tokens} misses, p50 / p90 / p99: ${shown(byNmi)} ms by way of NMI, ${shown(direct)} ms directly`);
  return { direct: direct.slice(warmUp), byNmi: byNmi.slice(warmUp) };
}

interface Racing {
  readonly world: NmiWorld;
  readonly agents: readonly RunningNmi[];
  readonly bare: BareServer;
  readonly sizes: NmiSizes;
  readonly say: Say;
}

async function cachedRates({ world, agents, bare, sizes, say }: Racing): Promise<readonly Round[]> {
  const { connections, requests, podsOfNewConnections, podsOfNodes, rounds } = sizes;
  const generator = startLoadGenerator();
  pin(bare.pid, 0);
  pin(generator.pid, 1);
  const load = (node: number) => ({
    ...{ path, from: from(world, node, connections), pipelined: 4, requests: requests[0] },
  });
  const both = async (nmi: RunningNmi, what: Omit<Load, 'host' | 'port'>, newConnections?: number) => {
    const rate = ({ host, port }: Pick<Load, 'host' | 'port'>) =>
      generator.rate({
        load: { ...what, host, port },
        ...(newConnections === undefined ? {} : { newConnections }),
      });
    return { nmi: await rate(nmi), bare: await rate(bare) };
  };
  const fresh = {
    ...load(manyPods),
    from: from(world, manyPods, podsOfNewConnections),
    requests: requests[1],
  };
  const race = async (): Promise<Round> => {
    const kept: Round['kept'][number][] = [];
    for (const [node, nmi] of agents.entries()) kept.push(await both(nmi, load(node)));
    return { kept, fresh: await both(at(agents, manyPods), fresh, 32) };
  };
  // Warm: every pod's token is cached and both servers' code is compiled.
  await race();
  const all: Round[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const one = await race();
    all.push(one);
    const shown = [...one.kept, one.fresh].map(
      ({ nmi, bare: alone }) => `${Math.round(nmi)}/${Math.round(alone)}`,
    );
    say(
      `round ${round}: NMI/bare node:http requests/s with ${podsOfNodes.join(', ')} pods and with new connections: ${shown.join(', ')}`,
    );
  }
  generator.stop();
  return all;
}

/** One core each; where taskset is missing the kernel decides. */
function pin(pid: number, core: number): void {
  spawn('taskset', ['-acp', String(core), String(pid)], { stdio: 'ignore' }).on('error', () => undefined);
}
