// The time of a token that is not cached: through NMI, through a bare proxy, and from the metadata service itself.
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { startBareProxy } from '../bare-server.ts';
import { open, timeOf } from '../load.ts';
import { pin } from '../pin.ts';
import { quantile } from '../report.ts';
import { at, type MissTimes } from './nmi-figures.ts';
import { environmentOfManifest, type RunningNmi } from './nmi-process.ts';
import { manyPods, type NmiSizes } from './nmi-sizes.ts';
import { path, tokenPath, type NmiWorld } from './nmi-world.ts';

/** The metadata service allows 20 requests a second and NMI sends 15 at most: below that, no request queues. */
const missEveryMs = 80;

interface Missing {
  readonly world: NmiWorld;
  readonly nmi: RunningNmi;
  readonly sizes: NmiSizes;
  readonly say: (text: string) => void;
}

/** A connection from each address, over which one request was answered. */
async function opened(
  to: { readonly host: string; readonly port: number },
  addresses: readonly string[],
  firstPath: string,
): Promise<readonly Socket[]> {
  const sockets = await Promise.all(addresses.map((address) => open(to, address)));
  for (const socket of sockets) await timeOf(socket, firstPath);
  return sockets;
}

/**
 * Tokens that are not cached, requested each way in turn, over connections that were used before: from the pods' addresses where pods
 * send the requests, and from one address where NMI would.
 */
export async function missTimes({ world, nmi, sizes, say }: Missing): Promise<MissTimes> {
  const { tokens, warmUp } = sizes;
  const imds = world.imds(manyPods);
  const addresses = at(world.nodes, manyPods);
  const proxy = await startBareProxy(imds, await environmentOfManifest());
  for (const { pid } of [nmi, proxy]) pin(pid, 0);
  const direct = await open({ host: imds.hostname, port: Number(imds.port) }, '127.0.0.1');
  const named = (wanted: string) => `${wanted}&client_id=${world.clientId}`;
  const pods = await opened(nmi, addresses, path);
  const proxied = await opened(proxy, addresses, named(path));
  const times = { direct: [] as number[], byProxy: [] as number[], byNmi: [] as number[] };
  const ask = async (of: number[], socket: Socket, wanted: string) => {
    await pause(missEveryMs / 3);
    of.push(await timeOf(socket, wanted));
  };
  for (let index = 0; index < tokens; index += 1) {
    const wanted = tokenPath(`https://${index}.local.test`);
    await ask(times.byNmi, at(pods, index % pods.length), wanted);
    await ask(times.byProxy, at(proxied, index % proxied.length), named(wanted));
    await ask(times.direct, direct, named(wanted));
  }
  for (const socket of [direct, ...proxied, ...pods]) socket.destroy();
  proxy.stop();
  const shown = (of: readonly number[]) =>
    [0.5, 0.9, 0.99].map((share) => quantile(of, share).toFixed(2)).join(' / ');
  say(
    `${tokens} misses, p50 / p90 / p99: ${shown(times.byNmi)} ms through NMI, ${shown(times.byProxy)} ms through a bare proxy, ${shown(times.direct)} ms directly`,
  );
  const counted = (of: readonly number[]) => of.slice(warmUp);
  return { direct: counted(times.direct), byProxy: counted(times.byProxy), byNmi: counted(times.byNmi) };
}
