// Faults of MICs and NMIs as processes.
import { setTimeout as delay } from 'node:timers/promises';
import { within } from '../../stage/within.ts';
import type { MeasuredFault } from '../plan/faults.ts';
import * as kube from './kube-faults.ts';
import { createRightProbe, patienceMs, untilAnswer } from './probes.ts';
import { ending, start, untilPod, type Measure } from './recovery-time.ts';
import type { World } from './world.ts';

export const processMeasures = {
  'mic-killed': ofRestart(({ processes }, leader) => processes.kill(leader)),
  'mic-terminated': ofRestart(({ processes }, leader) =>
    within(patienceMs, `${leader} to end`, processes.terminate(leader)),
  ),
  'mic-stopped': ofLeader(async (world, { kind, holdMs }, leader) => {
    world.processes.halt(leader);
    world.recorder.struck(kind, 1);
    await delay(holdMs);
    world.processes.wake(leader);
  }),
  'mic-cut-off': ofLeader(async (world, fault, leader) => {
    const lift = ending(world, fault, kube.cutOff(world, { mic: leader }));
    await delay(fault.holdMs).finally(lift);
  }),
  'nmi-killed': async (world, fault) => {
    const stopwatch = start();
    world.processes.killNmi(fault.node);
    return untilRestarted(world, fault, stopwatch);
  },
  'nmi-terminated': async (world, fault) => {
    const { node } = fault;
    await within(patienceMs, `the NMI of ${node} to end`, world.processes.terminateNmi(node));
    return untilRestarted(world, fault, start());
  },
  'nmi-stopped': async (world, fault) => {
    const { kind, node, holdMs } = fault;
    const over = world.recorder.disturbance(kind);
    const probe = createRightProbe(world, node);
    world.processes.haltNmi(node);
    world.recorder.struck(kind, 1);
    await probe.revoke();
    try {
      await delay(holdMs).finally(() => world.processes.wakeNmi(node));
      over();
      const stopwatch = start();
      await probe.right();
      return stopwatch();
    } finally {
      await probe.end();
    }
  },
} satisfies Partial<Record<MeasuredFault['kind'], Measure>>;

/** Strikes the leading MIC; `strike` ends when the fault does. */
function ofLeader(strike: (world: World, fault: MeasuredFault, leader: string) => Promise<void>): Measure {
  return async (world, fault) => {
    const leader = await within(patienceMs, 'a MIC that leads', world.processes.leader());
    const stopwatch = start();
    return untilPod(world, fault, { stopwatch, meanwhile: strike(world, fault, leader) });
  };
}

function ofRestart(end: (world: World, leader: string) => Promise<void> | void): Measure {
  return ofLeader(async (world, { kind, holdMs }, leader) => {
    world.recorder.struck(kind, 1);
    await end(world, leader);
    await delay(holdMs);
    await world.processes.startMic(leader);
  });
}

async function untilRestarted(
  world: World,
  { kind, node }: MeasuredFault,
  stopwatch: () => number,
): Promise<number> {
  world.recorder.struck(kind, 1);
  await world.processes.startNmi(node);
  await untilAnswer(world, { node }, (status) => status === 200);
  return stopwatch();
}
