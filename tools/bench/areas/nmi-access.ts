// What asking for rights costs a cached token: NMI with --identity-access=rbac and with =namespace, side by side.
import { parseAccessTarget, rolesFor } from '@pod-identity/crd-types';
import * as names from '../../stage/names.ts';
import { startLoadGenerator } from '../load-generator.ts';
import type { Run } from '../load.ts';
import { pin } from '../pin.ts';
import { median, rounded, type Figure } from '../report.ts';
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
  const run = ({ host, port, pid }: RunningNmi) =>
    generator.run({ load: { path, from, pipelined: 1, requests: sizes.requests[0], host, port, pid } });

  const ratios: number[] = [];
  for (let round = 0; round < sizes.warmUpRounds + sizes.races; round += 1) {
    const first = round % 2 === 0 ? await run(modes.rbac) : undefined;
    const without = await run(modes.namespace);
    const withRights = first ?? (await run(modes.rbac));
    const ratio = without.cpuUs / withRights.cpuUs;
    if (round >= sizes.warmUpRounds) ratios.push(ratio);
    say(
      `round ${round + 1}: processor time of a cached token (rate): ${shown(withRights)} with rights, ${shown(without)} without`,
    );
  }
  generator.stop();
  for (const nmi of Object.values(modes)) await nmi.stop();
  return {
    name: 'accessRatio',
    value: rounded(median(ratios)),
    spread: [rounded(Math.min(...ratios)), rounded(Math.max(...ratios))],
    what: `processor time of a cached token with --identity-access=namespace over that with =rbac, one request at a time on ${sizes.connectionsOneByOne} connections (aim: at least 0.97), median of ${ratios.length}`,
  };
}

function shown({ cpuUs, perSecond }: Run): string {
  return `${cpuUs.toFixed(1)} us (${Math.round(perSecond)} a second)`;
}
