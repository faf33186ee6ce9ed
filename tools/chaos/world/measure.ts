// Begins and ends a fault and measures the recovery time. One function for each kind; the plan has the parameters.
import { setTimeout as delay } from 'node:timers/promises';
import { within } from '../../stage/within.ts';
import type { FaultName, MeasuredFault } from '../plan/faults.ts';
import { probeNamespace } from '../plan/scene.ts';
import * as arm from './arm-faults.ts';
import { grantHost, revokeHost } from './azure.ts';
import * as kube from './kube-faults.ts';
import { createPodProbe, createRightProbe, patienceMs, untilAnswer } from './probes.ts';
import type { World } from './world.ts';

/** Milliseconds from the fault's start or end, depending on its kind. Rejects if there is no recovery. */
type Measure = (world: World, fault: MeasuredFault) => Promise<number>;

export const measures: Readonly<Record<FaultName, Measure>> = {
  'mic-killed': async (world, fault) => {
    const leader = await within(patienceMs, 'a MIC that leads', world.processes.leader());
    const stopwatch = start();
    world.processes.kill(leader);
    const restarted = delay(fault.holdMs).then(() => world.processes.startMic(leader));
    return untilPod(world, fault, { stopwatch, meanwhile: restarted });
  },
  'mic-stopped': async (world, fault) => {
    const leader = await within(patienceMs, 'a MIC that leads', world.processes.leader());
    const stopwatch = start();
    world.processes.halt(leader);
    const woken = delay(fault.holdMs).then(() => world.processes.wake(leader));
    return untilPod(world, fault, { stopwatch, meanwhile: woken });
  },
  'nmi-killed': async (world, { node }) => {
    const stopwatch = start();
    world.processes.killNmi(node);
    await world.processes.startNmi(node);
    await untilAnswer(world, node, (status) => status === 200);
    return stopwatch();
  },
  'api-outage': (world, fault) => outage(world, fault, false),
  'api-outage-410': (world, fault) => outage(world, fault, true),
  'api-errors-mic': async (world, fault) => {
    const lift = kube.refuseAgents(world, 'mic', fault.throttles ? 429 : 503);
    await delay(fault.holdMs);
    lift();
    return untilPod(world, fault, { stopwatch: start() });
  },
  'api-errors-nmi': async (world, fault) => {
    const over = world.recorder.disturbance(fault.kind);
    const lift = kube.refuseAgents(world, 'nmi', fault.throttles ? 429 : 503);
    await delay(fault.holdMs);
    lift();
    over();
    return untilRevoked(world, fault, start());
  },
  'watches-half-open': async (world, fault) => {
    const over = world.recorder.disturbance(fault.kind);
    world.stage.sim.kube.strandWatches();
    over();
    const stopwatch = start();
    return Math.max(
      ...(await Promise.all([untilPod(world, fault, { stopwatch }), untilRevoked(world, fault, stopwatch)])),
    );
  },
  'arm-answer-lost': (world, fault) => {
    const lift = arm.loseArmAnswer(world, fault.host);
    return afterPod(world, fault, { fault: arm.nextPatch(world, fault.host), lift });
  },
  'kube-answer-lost': (world, fault) => {
    const path = new RegExp(`/namespaces/${probeNamespace}/azureassignedidentities$`);
    const lift = kube.loseKubeAnswer(world, path);
    return afterPod(world, fault, { fault: kube.nextPost(world, path), lift });
  },
  'arm-slow': (world, fault) => {
    const lift = arm.slowArm(world, fault.host, fault.holdMs);
    const ended = arm.nextPatch(world, fault.host).then(() => arm.untilState(world, fault.host, 'Succeeded'));
    return afterPod(world, fault, { fault: ended, lift });
  },
  'arm-late-failure': (world, fault) => {
    const lifts = [arm.slowArm(world, fault.host, fault.holdMs), arm.failArm(world, fault.host)];
    const failed = arm.nextPatch(world, fault.host).then(() => arm.untilState(world, fault.host, 'Failed'));
    return afterPod(world, fault, { fault: failed, lift: () => lifts.forEach((lift) => lift()) });
  },
  'host-updating': async (world, fault) => {
    await within(
      patienceMs,
      `the end of the update of ${fault.host}`,
      arm.untilState(world, fault.host, 'Succeeded'),
    );
    const lift = arm.occupyHost(world, fault.host);
    return afterPod(world, fault, { fault: delay(fault.holdMs), lift });
  },
  'arm-429': (world, fault) => {
    const lift = arm.throttleArm(world, fault.host);
    return afterPod(world, fault, { fault: delay(fault.holdMs), lift });
  },
  'roles-revoked': (world, fault) => {
    const { azure } = world.stage.sim;
    revokeHost(azure, fault.host);
    return afterPod(world, fault, { fault: delay(fault.holdMs), lift: () => grantHost(azure, fault.host) });
  },
};

function start(): () => number {
  const begun = performance.now();
  return () => Math.round(performance.now() - begun);
}

/** Waits until a new pod has its identity. */
async function untilPod(
  world: World,
  fault: MeasuredFault,
  { stopwatch, meanwhile }: { readonly stopwatch: () => number; readonly meanwhile?: Promise<unknown> },
): Promise<number> {
  const probe = createPodProbe(world, fault);
  try {
    await probe.start();
    await probe.right();
    return stopwatch();
  } finally {
    await meanwhile;
    await probe.end();
  }
}

/** A pod is created during the fault, and gets its identity some time after the end of the fault. */
async function afterPod(
  world: World,
  fault: MeasuredFault,
  trouble: { readonly fault: Promise<void>; readonly lift: () => void },
): Promise<number> {
  const probe = createPodProbe(world, fault);
  try {
    await probe.start();
    await within(patienceMs, `${fault.kind} at ${fault.host} to strike and end`, trouble.fault).finally(
      trouble.lift,
    );
    const stopwatch = start();
    await probe.right();
    return stopwatch();
  } finally {
    await probe.end();
  }
}

/** Waits until a right that is revoked now has no effect any more. */
async function untilRevoked(world: World, { node }: MeasuredFault, stopwatch: () => number): Promise<number> {
  const probe = createRightProbe(world, node);
  await probe.revoke();
  try {
    await probe.right();
    return stopwatch();
  } finally {
    await probe.end();
  }
}

async function outage(world: World, fault: MeasuredFault, forgets: boolean): Promise<number> {
  const { kube: server } = world.stage.sim;
  const over = world.recorder.disturbance(fault.kind);
  await server.stopListening();
  await delay(fault.holdMs);
  if (forgets) server.compact();
  await server.startListening();
  over();
  const stopwatch = start();
  return Math.max(
    ...(await Promise.all([untilPod(world, fault, { stopwatch }), untilRevoked(world, fault, stopwatch)])),
  );
}
