// Transient faults at the hosts of the operations; recovery is only checked at the end of the run.
import { setTimeout as delay } from 'node:timers/promises';
import { passing } from '../judge/limits.ts';
import type { PassingFault } from '../plan/faults.ts';
import * as arm from './arm-faults.ts';
import * as kube from './kube-faults.ts';
import type { World } from './world.ts';

type Begin = (world: World, fault: PassingFault) => arm.Lift;

const begins: Readonly<Record<PassingFault['kind'], Begin>> = {
  'arm-answer-lost': (world, { host }) => arm.loseArmAnswer(world, host),
  'arm-dropped': (world, { host }) => arm.dropArmRequest(world, host),
  'arm-slow': (world, { host, holdMs }) => arm.slowArm(world, host, holdMs),
  'arm-late-failure': (world, { host }) => arm.failArm(world, host),
  'host-updating': (world, { host }) => arm.occupyHost(world, host),
  'arm-429': (world, { host }) => arm.throttleArm(world, host),
  'kube-answer-lost': (world) => kube.troubleMic(world, { loseAnswer: true }, 2),
  'kube-dropped': (world) => kube.troubleMic(world, { drop: true }, 2),
  'kube-503': (world) => kube.troubleMic(world, 503, 3),
  'kube-slow': (world) => kube.troubleMic(world, { delayMs: 800 }, 5),
};

/** Again until it has struck, or no operation follows that it could strike. */
export async function passFault(world: World, fault: PassingFault, endsAt: number): Promise<void> {
  const kind = `${passing}${fault.kind}`;
  world.recorder.note(`${kind} at ${fault.host} for ${fault.holdMs} ms`);
  const over = world.recorder.fault(kind);
  let hits: number;
  do {
    const lift = begins[fault.kind](world, fault);
    await delay(fault.holdMs);
    hits = lift();
  } while (hits === 0 && performance.now() < endsAt);
  world.recorder.struck(kind, hits);
  over();
}
