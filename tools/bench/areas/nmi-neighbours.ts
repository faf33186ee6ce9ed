// The response times of a pod beside one that sends requests without pause.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { within } from '../../stage/within.ts';
import { open, timeOf } from '../load.ts';
import { pin } from '../pin.ts';
import { quantile } from '../report.ts';
import { at, type Pair } from './nmi-figures.ts';
import { manyPods, type NmiSizes } from './nmi-sizes.ts';
import { path, type NmiWorld } from './nmi-world.ts';

const hammerProgram = fileURLToPath(new URL('../hammer.ts', import.meta.url));

/** The response times of a quiet pod, alone and beside a noisy one, with NMI's default limits. */
interface Neighbours {
  /** p99 of tokens. */
  readonly quiet: readonly Pair[];
  /** p50 of metrics. */
  readonly admin: readonly Pair[];
}

export async function neighbourTimes(
  world: NmiWorld,
  { rounds, quietQuestions }: NmiSizes,
  say: (text: string) => void,
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
    const hammer = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
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
