// Faults of the metadata service. Meanwhile tokens from memory are given, and a pod that needs a new one is told why it has none.
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultAction } from '@pod-identity/sim';
import type { MeasuredFault } from '../plan/faults.ts';
import { probeNamespace } from '../plan/scene.ts';
import { lifting } from './arm-faults.ts';
import { podKey } from './pods.ts';
import { untilAnswer } from './probes.ts';
import { ending, start, type Measure } from './recovery-time.ts';
import { askForToken, type Asking } from './tokens.ts';
import { residentPod, type World } from './world.ts';

export const imdsMeasures = {
  'imds-hangs': (world, fault) => trouble(world, fault, { hang: true }),
  'imds-fails': (world, fault) => trouble(world, fault, { status: 500, body: { error: 'unknown' } }),
  'imds-cut-off': (world, fault) => trouble(world, fault, { drop: true }),
} satisfies Partial<Record<MeasuredFault['kind'], Measure>>;

async function trouble(world: World, fault: MeasuredFault, then: FaultAction): Promise<number> {
  const { node, kind, number, holdMs } = fault;
  await untilAnswer(world, { node }, (status) => status === 200);
  const match = { service: 'imds', path: /\/oauth2\/token/ };
  const lift = lifting(world.stage.sim.azure.faults.add({ match, then }));
  const resource = `https://${kind}-${number}.example`;
  try {
    const [refused, known] = await Promise.all([
      ask(world, node, { resource }),
      ask(world, node),
      delay(holdMs),
    ]);
    if (refused.status < 400 || refused.reason === '')
      throw new Error(`a new token without the metadata service: ${refused.status} ${refused.reason}`);
    if (known.status !== 200) throw new Error(`no token from memory: ${known.status} ${known.reason}`);
  } finally {
    ending(world, fault, lift)();
  }
  const stopwatch = start();
  await untilAnswer(world, { node, asking: { resource } }, (status) => status === 200);
  return stopwatch();
}

/** The pod that is always on the node. */
async function ask(world: World, node: string, asking: Asking = {}) {
  const pod = world.pods.get(podKey({ namespace: probeNamespace, name: residentPod(node) }));
  const nmi = world.processes.nmi(node);
  if (!pod || !nmi) throw new Error(`${node} has no NMI, or no pod`);
  return askForToken(pod.address, nmi, asking);
}
