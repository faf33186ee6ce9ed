// What asking for rights costs a cached token: NMI with --identity-access=rbac and with =namespace, side by side.
import { parseAccessTarget, rolesFor } from '@pod-identity/crd-types';
import * as names from '../../stage/names.ts';
import { startLoadGenerator } from '../load-generator.ts';
import type { Run } from '../load.ts';
import { pin } from '../pin.ts';
import { median, quantile, rounded, type Figure } from '../report.ts';
import { at } from './nmi-figures.ts';
import type { RunningNmi } from './nmi-process.ts';
import { manyPods, type NmiSizes } from './nmi-sizes.ts';
import { path, type NmiWorld } from './nmi-world.ts';

interface AccessBench {
  readonly world: NmiWorld;
  readonly sizes: NmiSizes;
  readonly say: (text: string) => void;
}

/** Else the limit of a pod would be what is measured. */
const unlimited = ['--pod-requests-per-second', '0'];

/** What one core gives in a second with rights over what it gives without: by processor time, which other processes change least. */
export async function accessRatio({ world, sizes, say }: AccessBench): Promise<Figure> {
  const target = parseAccessTarget(names.firstIdentity.id);
  const subjects = [{ namespace: 'default', name: 'default' }];
  await world.grant(rolesFor({ subjects, targets: target.ok ? [target.value] : [] }));
  const modes = {
    namespace: await world.startNmi(manyPods, unlimited),
    rbac: await world.startNmi(manyPods, [...unlimited, '--identity-access', 'rbac']),
  };
  const generator = startLoadGenerator();
  pin(generator.pid, 1);
  for (const { pid, readerPid } of Object.values(modes)) [pid, readerPid].forEach((id) => pin(id, 0));
  const addresses = at(world.nodes, manyPods);
  const from = addresses.slice(0, sizes.connectionsOneByOne);
  const run = ({ host, port, pid }: RunningNmi, requests: number) =>
    generator.run({ load: { path, from, pipelined: 1, requests, host, port, pid } });

  // Each process compiles its code by its own requests, so neither is measured before both have had theirs.
  for (let round = 0; round < sizes.warmUpRounds; round += 1)
    for (const nmi of Object.values(modes)) await run(nmi, sizes.requests[0]);
  const ratios: number[] = [];
  for (let round = 0; round < sizes.accessRounds; round += 1) {
    const { withRights, without } = await measure(modes, round, (nmi) => run(nmi, sizes.accessRequests));
    ratios.push(without / withRights);
    say(
      `round ${round + 1}: processor time of a cached token ${withRights.toFixed(1)} us with rights, ${without.toFixed(1)} us without`,
    );
  }
  generator.stop();
  for (const nmi of Object.values(modes)) await nmi.stop();
  const [lower, upper] = [quantile(ratios, 0.25), quantile(ratios, 0.75)].map(rounded);
  say(`half of the ${ratios.length} ratios are between ${lower} and ${upper}`);
  return {
    name: 'accessRatio',
    value: rounded(median(ratios)),
    spread: [rounded(Math.min(...ratios)), rounded(Math.max(...ratios))],
    what: `processor time of a cached token with --identity-access=namespace over that with =rbac, one request at a time on ${sizes.connectionsOneByOne} connections (aim: at least 0.97), median of ${ratios.length}`,
  };
}

interface Modes {
  readonly namespace: RunningNmi;
  readonly rbac: RunningNmi;
}

/**
 * Processor time of a request (us). One mode is measured before and after the other, in turn, so that what changes steadily on the
 * machine affects both.
 */
async function measure(
  { namespace, rbac }: Modes,
  round: number,
  run: (nmi: RunningNmi) => Promise<Run>,
): Promise<{ readonly withRights: number; readonly without: number }> {
  const [outer, inner] = round % 2 === 0 ? [rbac, namespace] : [namespace, rbac];
  const before = await run(outer);
  const within = [await run(inner), await run(inner)];
  const around = [before, await run(outer)];
  const [withRights, without] = round % 2 === 0 ? [around, within] : [within, around];
  return { withRights: mean(withRights), without: mean(without) };
}

function mean(runs: readonly Run[]): number {
  return runs.reduce((sum, { cpuUs }) => sum + cpuUs, 0) / runs.length;
}
