// Pods that request tokens all the time, at random also of other pods' identities; the judges check the responses.
import { setTimeout as delay } from 'node:timers/promises';
import * as names from '../../stage/names.ts';
import type { Random } from '../plan/random.ts';
import { foreignIdentities, nmiNodes, sharedIdentities } from '../plan/scene.ts';
import { askForToken, type Asking } from './tokens.ts';
import type { World } from './world.ts';

const everyMs = 120;
const mostAtATime = 24;

/** Runs until the signal aborts; resolves after the last request. */
export async function requestTokens(world: World, random: Random, signal: AbortSignal): Promise<void> {
  const calls = new Set<Promise<void>>();
  /** Client ids that identities have or had. */
  const known = new Set<string>();
  while (!signal.aborted) {
    const callers = [...world.pods.values()].filter(({ node }) => nmiNodes.includes(node));
    if (callers.length > 0 && calls.size < mostAtATime) {
      const { node, address, kept } = random.pick(callers);
      const asking = chooseIdentity(world, random, known);
      const keeps = random.below(2) === 0;
      const call = ask(world, { node, address, ...asking, ...(keeps && { kept }) }).finally(() =>
        calls.delete(call),
      );
      calls.add(call);
    }
    await delay(everyMs);
  }
  await Promise.all(calls);
}

/** Half of the requests name an identity: any, the pod's own or not, by its client id or resource id, or one that is nobody's (any more). */
function chooseIdentity(world: World, random: Random, known: Set<string>): Asking {
  const resourceId = names.identityId(random.pick([...sharedIdentities, ...foreignIdentities]));
  const clientId = world.stage.sim.azure.world.findIdentity(resourceId)?.clientId ?? nobody;
  known.add(clientId);
  switch (random.below(8)) {
    case 0:
      return { clientId: random.pick([...known]) };
    case 1:
      return { resourceId };
    case 2:
    case 3:
      return { clientId };
    default:
      return {};
  }
}

const nobody = '00000000-0000-4000-8000-00000000dead';

interface Caller extends Asking {
  readonly node: string;
  readonly address: string;
}

async function ask({ processes, recorder }: World, { node, address, ...asking }: Caller): Promise<void> {
  const nmi = processes.nmi(node);
  if (nmi === undefined) return;
  const at = Date.now();
  const answer = await askForToken(address, nmi, asking);
  const { clientId, resourceId } = asking;
  const asked = clientId === undefined ? resourceId && { resourceId } : { clientId };
  recorder.ask({ ...answer, ...(asked && { asked }), node, address, at, endedAt: Date.now() });
}
