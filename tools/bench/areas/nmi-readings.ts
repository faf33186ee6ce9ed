// The response times of a pod while NMI reads Secrets of another namespace.
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { open, timeOf } from '../load.ts';
import { quantile } from '../report.ts';
import { at, type Times } from './nmi-figures.ts';
import type { HostilePod } from './nmi-secrets.ts';
import { manyPods, type NmiSizes } from './nmi-sizes.ts';
import type { RunningNmi } from './nmi-process.ts';
import type { NmiWorld } from './nmi-world.ts';

interface Reading {
  readonly world: NmiWorld;
  readonly sizes: NmiSizes;
  readonly say: (text: string) => void;
  readonly path: string;
}

/** The times of a quiet pod, alone and while NMI reads Secrets of another namespace that need much work. */
export async function secretReadings({ world, sizes, say, path }: Reading): Promise<readonly Times[]> {
  const { rounds, quietQuestions, hostileSecrets } = sizes;
  const nmi = await world.startNmi(manyPods, ['--pod-requests-per-second', '0']);
  const quietPod = await open(nmi, at(at(world.nodes, manyPods), 0));
  const quietTimes = (questions: number) => timesOf(quietPod, path, questions);
  await quietTimes(quietQuestions);
  const all: Times[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const without = await quietTimes(quietQuestions);
    const clientIds = world.hostile.clientIds.slice(round * hostileSecrets, (round + 1) * hostileSecrets);
    const over = new AbortController();
    const presenting = present(nmi, { ...world.hostile, clientIds }, path).finally(() => over.abort());
    const during: number[] = [];
    while (!over.signal.aborted) during.push(...(await quietTimes(1)));
    const read = await presenting;
    if (read === 0) {
      // No key was derived, so these are the times of a quiet node: the round before has used up the namespace's time for certificates.
      say(`round ${round + 1}: none of the hostile Secrets was read; not counted`);
      continue;
    }
    all.push({ without, with: during });
    say(
      `round ${round + 1}: a quiet pod's p50 / p99 / longest ${shown(without)} ms, while ${read} of ${hostileSecrets} hostile Secrets are read ${shown(during)} ms`,
    );
  }
  quietPod.destroy();
  await nmi.stop();
  if (all.length === 0) throw new Error('no hostile Secret was read in any round');
  return all;
}

const shown = (times: readonly number[]) =>
  [0.5, 0.99, 1].map((share) => quantile(times, share).toFixed(2)).join(' / ');

async function timesOf(pod: Socket, path: string, questions: number): Promise<number[]> {
  const times: number[] = [];
  for (let question = 0; question < questions; question += 1) {
    await pause(12);
    times.push(await timeOf(pod, path));
  }
  return times;
}

const patienceMs = 60_000;

/** Requests a token of each; after all responses, how many of the Secrets NMI has read: figures with other numbers are not comparable. */
async function present(
  { host, port }: RunningNmi,
  { address, clientIds }: HostilePod,
  path: string,
): Promise<number> {
  const ask = async (clientId: string): Promise<string> => {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    let text = '';
    const to = { host, port, localAddress: address, agent: false, path: `${path}&client_id=${clientId}` };
    request({ ...to, headers: { Metadata: 'true' }, signal: AbortSignal.timeout(patienceMs) }, (response) => {
      response.on('data', (part: Buffer) => (text += part.toString()));
      response.once('end', () => resolve(undefined));
    })
      .once('error', reject)
      .end();
    await promise;
    return text;
  };
  const texts = await Promise.all(clientIds.map(ask));
  const isRead = (text: string) => text.includes('another password');
  // A slow machine uses up the namespace's time for certificates before the last of them, or reads one for so long that others leave.
  const isLate = (text: string) => /took too long lately|waited too long for its turn/.test(text);
  const unexpected = texts.find((text) => !isRead(text) && !isLate(text));
  if (unexpected !== undefined) throw new Error(`the hostile Secret was not read: ${unexpected}`);
  return texts.filter(isRead).length;
}
