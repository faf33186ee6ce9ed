// After the run: all faults are ended, and the wanted state must be reached within the deadline.
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeObject as SimObject } from '@pod-identity/sim';
import { problemOf, lastRequests, problemsOf, nameOf, type EndView } from '../judge/end.ts';
import type { KubeObject } from '../judge/history.ts';
import { judgeHosts } from '../judge/hosts.ts';
import { textOf } from '../judge/truth.ts';
import { nmiNodes } from '../plan/scene.ts';
import { grantHost, hostIdOf, hosts, identityNames, resourceIdOf, revokeHost } from './azure.ts';
import { writeClientId } from './operate.ts';
import { askForToken } from './tokens.ts';
import { grantAll } from './rights.ts';
import { hostOfNode, type World } from './world.ts';

/** Ends all faults: processes run, servers respond, no other client updates a host, all rights are granted. */
export async function liftAll(world: World): Promise<void> {
  const { kube, azure } = world.stage.sim;
  await kube.startListening();
  kube.faults.clear();
  azure.faults.clear();
  world.latencyMs.clear();
  for (const host of hosts) {
    if (azure.world.hostRecord(resourceIdOf(host))?.provisioningState === 'Updating')
      azure.world.setProvisioningState(resourceIdOf(host), 'Succeeded');
    revokeHost(azure, host);
    grantHost(azure, host);
  }
  await world.processes.repair();
  await grantAll(world);
  for (const name of identityNames) await writeClientId(world, name);
  world.recorder.note('all faults are lifted');
}

/** The problems at the deadline; returns earlier if there are none. */
export async function converge(
  world: World,
  deadlineMs: number,
): Promise<{ left: readonly string[]; ms: number }> {
  const begun = performance.now();
  for (;;) {
    const left = await problems(world);
    const ms = Math.round(performance.now() - begun);
    if (left.length === 0 || ms > deadlineMs) return { left, ms };
    await delay(500);
  }
}

async function problems(world: World): Promise<readonly string[]> {
  const view = look(world);
  const objects = problemsOf(view);
  return objects.length > 0 ? objects : askAll(world, view);
}

function look(world: World): EndView {
  const { kube, azure } = world.stage.sim;
  const list = (resource: string): KubeObject[] =>
    kube.list(resource).map((object) => object as SimObject & KubeObject);
  const { people, either } = judgeHosts(world.recorder.history());
  return {
    people,
    either,
    pods: list('pods'),
    identities: list('azureidentities'),
    bindings: list('azureidentitybindings'),
    exceptions: list('azurepodidentityexceptions'),
    assigned: list('azureassignedidentities'),
    records: list('configmaps').filter(({ metadata }) => metadata.name.startsWith('mic-host-')),
    hostOfNode: new Map(list('nodes').map(({ metadata }) => [metadata.name, hostOfNode(metadata.name)])),
    attached: new Map(hosts.map((host) => [hostIdOf(host), azure.world.attachedTo(resourceIdOf(host))])),
  };
}

async function askAll(world: World, view: EndView): Promise<string[]> {
  const answers = lastRequests(view, nmiNodes).map(async ({ pod, want }) => {
    const live = world.pods.get(nameOf(pod));
    const nmi = live && world.processes.nmi(live.node);
    if (!live || !nmi) return `${nameOf(pod)} is on no node with an NMI that runs`;
    const clientId = want && textOf(want.identity, 'clientID');
    const { status, token, reason } = await askForToken(live.address, nmi, { clientId });
    return problemOf({
      pod: nameOf(pod),
      wanted: want?.resourceId,
      status,
      reason,
      ...(token ? { resourceId: token.resourceId } : {}),
    });
  });
  return (await Promise.all(answers)).filter((problem) => problem !== undefined);
}
