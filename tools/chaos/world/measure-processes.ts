// Faults of MICs and NMIs as processes.
import { setTimeout as delay } from 'node:timers/promises';
import { within } from '../../stage/within.ts';
import type { MeasuredFault } from '../plan/faults.ts';
import * as kube from './kube-faults.ts';
import { createRightProbe, patienceMs, untilAnswer } from './probes.ts';
import { ending, start, untilPod, type Measure } from './recovery-time.ts';
import type { World } from './world.ts';

export const processMeasures = {
  'mic-killed': async (world, fault) => {
    const leader = await leaderOf(world);
    const stopwatch = start();
    world.processes.kill(leader);
    world.recorder.struck(fault.kind, 1);
    const restarted = delay(fault.holdMs).then(() => world.processes.startMic(leader));
    return untilPod(world, fault, { stopwatch, meanwhile: restarted });
  },
  'mic-terminated': async (world, fault) => {
    const leader = await leaderOf(world);
    const stopwatch = start();
    const ended = world.processes.terminate(leader);
    world.recorder.struck(fault.kind, 1);
    const restarted = within(patienceMs, `${leader} to end`, ended)
      .then(() => delay(fault.holdMs))
      .then(() => world.processes.startMic(leader));
    return untilPod(world, fault, { stopwatch, meanwhile: restarted });
  },
  'mic-stopped': async (world, fault) => {
    const leader = await leaderOf(world);
    const stopwatch = start();
    world.processes.halt(leader);
    world.recorder.struck(fault.kind, 1);
    const woken = delay(fault.holdMs).then(() => world.processes.wake(leader));
    return untilPod(world, fault, { stopwatch, meanwhile: woken });
  },
  'mic-cut-off': async (world, fault) => {
    const leader = await leaderOf(world);
    const stopwatch = start();
    const lift = ending(world, fault, kube.cutOff(world, { mic: leader }));
    return untilPod(world, fault, { stopwatch, meanwhile: delay(fault.holdMs).then(lift) });
  },
  'nmi-killed': async (world, { kind, node }) => {
    const stopwatch = start();
    world.processes.killNmi(node);
    world.recorder.struck(kind, 1);
    await world.processes.startNmi(node);
    await untilAnswer(world, { node }, (status) => status === 200);
    return stopwatch();
  },
  'nmi-terminated': async (world, { kind, node }) => {
    await within(patienceMs, `the NMI of ${node} to end`, world.processes.terminateNmi(node));
    world.recorder.struck(kind, 1);
    const stopwatch = start();
    await world.processes.startNmi(node);
    await untilAnswer(world, { node }, (status) => status === 200);
    return stopwatch();
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

function leaderOf({ processes }: World): Promise<string> {
  return within(patienceMs, 'a MIC that leads', processes.leader());
}
