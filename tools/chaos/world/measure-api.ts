// Faults of the API server, and rights that end.
import { setTimeout as delay } from 'node:timers/promises';
import type { MeasuredFault } from '../plan/faults.ts';
import { probeNamespace, residentIdentity } from '../plan/scene.ts';
import * as kube from './kube-faults.ts';
import { isRefusal, untilAnswer } from './probes.ts';
import { afterPod, ending, start, untilBoth, untilPod, untilRevoked, type Measure } from './recovery-time.ts';
import { grant, withdraw } from './rights.ts';
import { residentPod, type World } from './world.ts';

export const apiMeasures = {
  'api-outage': (world, fault) => outage(world, fault, false),
  'api-outage-410': (world, fault) => outage(world, fault, true),
  'api-errors-mic': async (world, fault) => {
    const lift = kube.refuseAgents(world, 'mic', fault.throttles ? 429 : 503);
    await delay(fault.holdMs).finally(ending(world, fault, lift));
    return untilPod(world, fault, { stopwatch: start() });
  },
  'api-errors-nmi': (world, fault) =>
    troubleNmis(world, fault, kube.refuseAgents(world, 'nmi', fault.throttles ? 429 : 503)),
  'nmi-cut-off': (world, fault) => troubleNmis(world, fault, kube.cutOff(world, 'nmi')),
  'watches-half-open': async (world, fault) => {
    const over = world.recorder.disturbance(fault.kind);
    const { kube: server } = world.stage.sim;
    world.recorder.struck(fault.kind, server.openWatches);
    server.strandWatches();
    over();
    return untilBoth(world, fault, start());
  },
  'kube-answer-lost': (world, fault) => {
    const path = new RegExp(`/namespaces/${probeNamespace}/azureassignedidentities$`);
    const lift = kube.loseKubeAnswer(world, path);
    return afterPod(world, fault, { fault: kube.nextPost(world, path), lift });
  },
  'right-withdrawn': async (world, { kind, node }) => {
    const holder = { account: residentPod(node) };
    await withdraw(world, residentIdentity, holder);
    world.recorder.note(`right of ${holder.account} withdrawn`);
    const stopwatch = start();
    try {
      await untilAnswer(world, { node }, isRefusal);
      world.recorder.struck(kind, 1);
      return stopwatch();
    } finally {
      await grant(world, residentIdentity, holder);
      await untilAnswer(world, { node }, (status) => status === 200);
    }
  },
} satisfies Partial<Record<MeasuredFault['kind'], Measure>>;

async function troubleNmis(world: World, fault: MeasuredFault, lift: () => number): Promise<number> {
  const over = world.recorder.disturbance(fault.kind);
  await delay(fault.holdMs).finally(ending(world, fault, lift));
  over();
  return untilRevoked(world, fault, start());
}

async function outage(world: World, fault: MeasuredFault, forgets: boolean): Promise<number> {
  const { kube: server } = world.stage.sim;
  const over = world.recorder.disturbance(fault.kind);
  world.recorder.struck(fault.kind, server.openWatches);
  await server.stopListening();
  await delay(fault.holdMs);
  if (forgets) server.compact();
  await server.startListening();
  over();
  return untilBoth(world, fault, start());
}
