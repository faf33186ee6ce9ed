// Pods that request tokens all the time, at random also of other pods' identities; the judges check the responses.
import { setTimeout as delay } from 'node:timers/promises';
import * as names from '../../stage/names.ts';
import type { Random } from '../plan/random.ts';
import { nmiNodes, sharedIdentities } from '../plan/scene.ts';
import { askForToken } from './tokens.ts';
import type { World } from './world.ts';

const everyMs = 120;
const mostAtATime = 24;

/** Runs until the signal aborts; resolves after the last request. */
export async function requestTokens(world: World, random: Random, signal: AbortSignal): Promise<void> {
  const calls = new Set<Promise<void>>();
  while (!signal.aborted) {
    const callers = [...world.pods.values()].filter(({ node }) => nmiNodes.includes(node));
    if (callers.length > 0 && calls.size < mostAtATime) {
      const { node, address } = random.pick(callers);
      const call = ask(world, { node, address, clientId: chooseIdentity(world, random) }).finally(() =>
        calls.delete(call),
      );
      calls.add(call);
    }
    await delay(everyMs);
  }
  await Promise.all(calls);
}

/** Half of the requests name an identity: any, the pod's own or not. */
function chooseIdentity(world: World, random: Random): string | undefined {
  if (random.below(2) === 0) return undefined;
  const { world: cloud } = world.stage.sim.azure;
  return cloud.findIdentity(names.identityId(random.pick(sharedIdentities)))?.clientId;
}

interface Caller {
  readonly node: string;
  readonly address: string;
  readonly clientId: string | undefined;
}

async function ask({ processes, recorder }: World, { node, address, clientId }: Caller): Promise<void> {
  const nmi = processes.nmi(node);
  if (nmi === undefined) return;
  const at = Date.now();
  const answer = await askForToken(address, nmi, clientId);
  recorder.ask({ ...answer, node, address, at, endedAt: Date.now() });
}
