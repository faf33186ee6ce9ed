// How long it takes from the start or the end of a fault until a pod has its identity, or has lost its right.
import { within } from '../../stage/within.ts';
import type { MeasuredFault } from '../plan/faults.ts';
import type { Lift } from './arm-faults.ts';
import { createPodProbe, createRightProbe, patienceMs } from './probes.ts';
import type { World } from './world.ts';

/** Milliseconds from the fault's start or end, depending on its kind. Rejects if there is no recovery. */
export type Measure = (world: World, fault: MeasuredFault) => Promise<number>;

export function start(): () => number {
  const begun = performance.now();
  return () => Math.round(performance.now() - begun);
}

/** Ends the fault and records how often it has struck. */
export function ending(world: World, { kind }: MeasuredFault, lift: Lift): () => void {
  return () => world.recorder.struck(kind, lift());
}

/** Waits until a new pod has its identity. */
export async function untilPod(
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
export async function afterPod(
  world: World,
  fault: MeasuredFault,
  trouble: { readonly fault: Promise<void>; readonly lift: Lift },
): Promise<number> {
  const probe = createPodProbe(world, fault);
  try {
    await probe.start();
    await within(patienceMs, `${fault.kind} at ${fault.host} to strike and end`, trouble.fault).finally(
      ending(world, fault, trouble.lift),
    );
    const stopwatch = start();
    await probe.right();
    return stopwatch();
  } finally {
    await probe.end();
  }
}

/** Waits until a right that is revoked now has no effect any more. */
export async function untilRevoked(
  world: World,
  { node }: MeasuredFault,
  stopwatch: () => number,
): Promise<number> {
  const probe = createRightProbe(world, node);
  await probe.revoke();
  try {
    await probe.right();
    return stopwatch();
  } finally {
    await probe.end();
  }
}

/** Both. */
export async function untilBoth(
  world: World,
  fault: MeasuredFault,
  stopwatch: () => number,
): Promise<number> {
  return Math.max(
    ...(await Promise.all([untilPod(world, fault, { stopwatch }), untilRevoked(world, fault, stopwatch)])),
  );
}
