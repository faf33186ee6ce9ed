// Faults of Azure at one host.
import type { FaultHandle } from '@pod-identity/sim';
import { hostIdOf, resourceIdOf } from './azure.ts';
import type { World } from './world.ts';

/** Ends the fault. Returns how often it has struck. */
export type Lift = () => number;

export const lifting =
  (rule: FaultHandle): Lift =>
  () => {
    rule.remove();
    return rule.fired;
  };

const pathOf = (host: string): RegExp => new RegExp(`/${host}$`, 'i');

export function throttleArm({ stage }: World, host: string): Lift {
  const body = {
    error: {
      code: 'OperationNotAllowed',
      message: 'too many requests',
      details: [{ code: 'TooManyRequests' }],
    },
  };
  const then = { status: 429, headers: { 'retry-after': '2' }, body };
  return lifting(stage.sim.azure.faults.add({ match: { service: 'arm', path: pathOf(host) }, then }));
}

/** Once: the PATCH is carried out, and its response is lost. */
export function loseArmAnswer({ stage }: World, host: string): Lift {
  const match = { service: 'arm', method: 'PATCH', path: pathOf(host) };
  return lifting(stage.sim.azure.faults.add({ match, times: 1, then: { loseAnswer: true } }));
}

/** Once: the PATCH is lost. */
export function dropArmRequest({ stage }: World, host: string): Lift {
  const match = { service: 'arm', method: 'PATCH', path: pathOf(host) };
  return lifting(stage.sim.azure.faults.add({ match, times: 1, then: { drop: true } }));
}

export function slowArm({ latencyMs: latencies }: World, host: string, latencyMs: number): Lift {
  const latency = { ms: latencyMs, hits: 0 };
  latencies.set(hostIdOf(host), latency);
  return () => {
    latencies.delete(hostIdOf(host));
    return latency.hits;
  };
}

/** The next update fails at its end. */
export function failArm({ stage }: World, host: string): Lift {
  let hits = 0;
  const end = stage.sim.azure.failOperations((hostId) => {
    if (hits > 0 || hostId.toLowerCase() !== hostIdOf(host)) return undefined;
    hits += 1;
    return { code: 'InternalExecutionError', message: 'An internal execution error occurred.' };
  });
  return () => {
    end();
    return hits;
  };
}

/** Another client updates the host, unless it is being updated. */
export function occupyHost({ stage }: World, host: string): Lift {
  const { world } = stage.sim.azure;
  const id = resourceIdOf(host);
  const seen = countResponses(stage.sim.azure, host);
  if (world.hostRecord(id)?.provisioningState === 'Updating') return () => 0;
  world.setProvisioningState(id, 'Updating');
  return () => {
    world.setProvisioningState(id, 'Succeeded');
    return seen();
  };
}

/** Counts ARM's responses about the host from now on, by default all: MIC reads a host before it updates it. */
export function countResponses(
  { journal }: World['stage']['sim']['azure'],
  host: string,
  only: { readonly status?: number } = {},
): Lift {
  const filter = { service: 'arm', path: pathOf(host), since: journal.mark(), ...only };
  return () => journal.count(filter);
}

/** The next PATCH of the host that ARM receives. */
export async function nextPatch({ stage }: World, host: string): Promise<void> {
  const { journal } = stage.sim.azure;
  await journal.next({ service: 'arm', method: 'PATCH', path: pathOf(host), since: journal.mark() });
}

export async function untilState(
  { stage }: World,
  host: string,
  state: 'Succeeded' | 'Failed',
): Promise<void> {
  const id = resourceIdOf(host);
  await stage.sim.azure.world.until((world) => world.hostRecord(id)?.provisioningState === state);
}
