// The time to a pod's first token while a hundred pods of another namespace attack NMI.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import * as names from '../../stage/names.ts';
import { within } from '../../stage/within.ts';
import { open, timeOf } from '../load.ts';
import { quantile } from '../report.ts';
import { at } from './nmi-figures.ts';
import type { NmiSizes } from './nmi-sizes.ts';
import type { RunningNmi } from './nmi-process.ts';
import { openNmiWorld, type NmiWorld } from './nmi-world.ts';

const ways = ['identities', 'resources', 'hanging', 'leaving', 'pipelining', 'slow', 'pending'] as const;
const program = fileURLToPath(new URL('../hostile.ts', import.meta.url));
const quietNamespace = 'quiet';
const pendingClientId = '00000000-0000-0000-0000-0000000ad1e5';
const startMs = 30_000;
const coldPatienceMs = 30_000;

type Pin = (pid: number, core: number) => void;

type Sizes = Pick<NmiSizes, 'hostilePods' | 'hostileSettlingMs' | 'quietPods' | 'coldTokens'>;

/** The p99 of the worst way (ms). */
export async function hostileColdP99(
  sizes: Sizes,
  { say, pin }: { readonly say: (text: string) => void; readonly pin: Pin },
): Promise<number> {
  await using world = await openNmiWorld([sizes.hostilePods]);
  const victims = await addQuiet(world, sizes.quietPods);
  await addPending(world);
  let worst = 0;
  for (const way of ways) {
    const shown = `${sizes.hostilePods} hostile pods (${way}): a first token in another namespace`;
    try {
      const times = await coldTimes({ world, way, victims, sizes, pin });
      const p99 = quantile(times, 0.99);
      worst = Math.max(worst, p99);
      say(`${shown}, p50 ${quantile(times, 0.5).toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`);
    } catch (error) {
      // The other ways are measured anyway; no token at all is worse than any time.
      worst = Infinity;
      say(`${shown} did not come: ${inspect(error)}`);
    }
  }
  return worst;
}

interface Attacked {
  readonly world: NmiWorld;
  readonly way: (typeof ways)[number];
  readonly victims: readonly string[];
  readonly sizes: Sizes;
  readonly pin: Pin;
}

async function coldTimes({ world, way, victims, sizes, pin }: Attacked): Promise<number[]> {
  const nmi = await world.startNmi(0);
  pin(nmi.pid, 0);
  const hostile = await startHostile(way, nmi, at(world.nodes, 0));
  pin(hostile.pid ?? 0, 1);
  const times: number[] = [];
  try {
    await pause(sizes.hostileSettlingMs);
    while (times.length < sizes.coldTokens) {
      const index = times.length;
      const what = `token ${index + 1} of ${sizes.coldTokens} beside hostile pods (${way})`;
      const resource = `https://${way}-cold-${index}.local.test`;
      const time = coldTime(nmi, at(victims, index % victims.length), resource).catch((error: unknown) => {
        throw new Error(`${what} failed`, { cause: error });
      });
      times.push(await within(coldPatienceMs, what, time));
    }
  } finally {
    hostile.kill();
    await nmi.stop();
  }
  return times;
}

/** Over a new connection, for a resource of which no token is cached. */
async function coldTime(nmi: RunningNmi, address: string, resource: string): Promise<number> {
  const begun = performance.now();
  const socket = await open(nmi, address);
  const query = `api-version=2018-02-01&resource=${encodeURIComponent(resource)}`;
  await timeOf(socket, `/metadata/identity/oauth2/token?${query}`);
  socket.destroy();
  return performance.now() - begun;
}

async function startHostile(way: string, { host, port }: RunningNmi, addresses: readonly string[]) {
  const clientIds = `${names.firstIdentity.clientId},${pendingClientId}`;
  const args = [program, host, String(port), way, clientIds, addresses.join(',')];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  await within(startMs, 'the hostile pods to begin', once(child.stdout, 'data'));
  return child;
}

/** Pods of another namespace that may act as the same identity, which is on the machine already. */
async function addQuiet(world: NmiWorld, pods: number): Promise<string[]> {
  const { id: resourceID, clientId: clientID } = names.firstIdentity;
  await world.createNamespace(quietNamespace);
  await world.create({
    kind: 'AzureIdentity',
    metadata: { name: 'quiet', namespace: quietNamespace },
    spec: { type: 0, resourceID, clientID },
  });
  await world.create({
    kind: 'AzureIdentityBinding',
    metadata: { name: 'quiet', namespace: quietNamespace },
    spec: { azureIdentity: 'quiet', selector: 'quiet' },
  });
  const addresses: string[] = [];
  for (let index = 0; index < pods; index += 1)
    addresses.push(
      await world.runPod({ name: `quiet-${index}`, namespace: quietNamespace, node: 0, label: 'quiet' }),
    );
  return addresses;
}

/** MIC has stopped, so this identity is never assigned: requests for it are held. */
async function addPending(world: NmiWorld): Promise<void> {
  const resourceID = `${names.firstIdentity.id}_pending`;
  await world.create({
    kind: 'AzureIdentity',
    metadata: { name: 'pending', namespace: 'default' },
    spec: { type: 0, resourceID, clientID: pendingClientId },
  });
  await world.create({
    kind: 'AzureIdentityBinding',
    metadata: { name: 'pending', namespace: 'default' },
    spec: { azureIdentity: 'pending', selector: 'demo-app' },
  });
}
