// Cached tokens, compared with a bare node:http server that sends the same bytes.
import { answerOf, startBareServer, type BareServer } from '../bare-server.ts';
import { startLoadGenerator, type LoadGenerator } from '../load-generator.ts';
import type { Load, Run } from '../load.ts';
import { pin } from '../pin.ts';
import { at, type Duel, type Round } from './nmi-figures.ts';
import { environmentOfManifest, type RunningNmi } from './nmi-process.ts';
import { fewPods, manyPods, type NmiSizes } from './nmi-sizes.ts';
import { path, type NmiWorld } from './nmi-world.ts';

interface Racing {
  readonly world: NmiWorld;
  readonly agents: readonly RunningNmi[];
  readonly sizes: NmiSizes;
  readonly say: (text: string) => void;
}

/** Without the first rounds, which warm up: every pod's token is cached, all code compiled. */
export async function cachedRounds(racing: Racing): Promise<readonly Round[]> {
  const { world, agents, sizes, say } = racing;
  const [localAddress = ''] = from(world, fewPods, { count: 1 });
  const answer = await answerOf({ ...at(agents, fewPods), path, localAddress });
  const bare = await startBareServer(answer, await environmentOfManifest());
  const generator = startLoadGenerator();
  // The process that counts lines runs on NMI's core, so that it does not slow down the load generator.
  for (const { pid, readerPid } of agents) [pid, readerPid].forEach((id) => pin(id, 0));
  pin(bare.pid, 0);
  pin(generator.pid, 1);
  const all: Round[] = [];
  for (let index = 0; index < sizes.warmUpRounds + sizes.races; index += 1) {
    const round = await race({ ...racing, bare, generator }, index);
    all.push(round);
    const warming = index < sizes.warmUpRounds ? ' (to warm up)' : '';
    say(`round ${index + 1}${warming}: ${shown(round, sizes)}`);
  }
  generator.stop();
  bare.stop();
  return all;
}

interface Contest extends Racing {
  readonly bare: BareServer;
  readonly generator: LoadGenerator;
}

async function race(contest: Contest, index: number): Promise<Round> {
  const { world, agents, sizes } = contest;
  const many = at(agents, manyPods);
  const { connections, connectionsOneByOne, podsOfNewConnections } = sizes;
  const [requests, freshRequests] = sizes.requests;
  // Other pods in each round: otherwise most of them would send no request.
  const some = from(world, manyPods, { count: connectionsOneByOne, first: index * connectionsOneByOne });
  const oneByOne = await duel(contest, many, { load: { path, from: some, pipelined: 1, requests }, index });
  const pipelined: Duel[] = [];
  for (const [node, nmi] of agents.entries()) {
    const load = { path, from: from(world, node, { count: connections }), pipelined: 4, requests };
    pipelined.push(await duel(contest, nmi, { load, index }));
  }
  const addresses = from(world, manyPods, { count: podsOfNewConnections });
  const load = { path, from: addresses, pipelined: 1, requests: freshRequests };
  const fresh = await duel(contest, many, { load, index, newConnections: 32 });
  return { oneByOne, pipelined, fresh };
}

interface Contested {
  readonly load: Omit<Load, 'host' | 'port' | 'pid'>;
  readonly newConnections?: number;
  /** The number of the round: the first server alternates. */
  readonly index: number;
}

async function duel(
  { bare, generator }: Contest,
  nmi: RunningNmi,
  { index, load, ...rest }: Contested,
): Promise<Duel> {
  const run = ({ host, port, pid }: Pick<Load, 'host' | 'port' | 'pid'>): Promise<Run> =>
    generator.run({ ...rest, load: { ...load, host, port, pid } });
  if (index % 2 === 0) return { nmi: await run(nmi), bare: await run(bare) };
  const first = await run(bare);
  return { nmi: await run(nmi), bare: first };
}

/** One address for each connection, the pods in turn. */
function from(
  world: NmiWorld,
  node: number,
  { count, first = 0 }: { readonly count: number; readonly first?: number },
): string[] {
  const addresses = at(world.nodes, node);
  return Array.from({ length: count }, (_, index) => at(addresses, (first + index) % addresses.length));
}

function shown({ oneByOne, pipelined, fresh }: Round, { podsOfNodes }: NmiSizes): string {
  const pair = ({ nmi, bare }: Duel) =>
    `${nmi.cpuUs.toFixed(1)}/${bare.cpuUs.toFixed(1)} us (${Math.round(nmi.perSecond)}/${Math.round(bare.perSecond)} a second)`;
  const kept = pipelined.map((each, node) => `${pair(each)} with ${at(podsOfNodes, node)} pods`).join(', ');
  return `NMI/bare node:http, processor time of a request (rate): one by one ${pair(oneByOne)}; pipelined ${kept}; new connections ${pair(fresh)}`;
}
