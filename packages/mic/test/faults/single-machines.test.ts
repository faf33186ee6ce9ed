// Nodes made by Karpenter (AKS node auto-provisioning): each is a virtual machine of its own, which comes with the first pod and goes after the last.
import { afterEach, expect, test } from 'vitest';
import { identityId } from '../stage.ts';
import { setScene, type Scene } from './scene.ts';

let scene: Scene;
afterEach(() => scene[Symbol.asyncDispose]());

const minute = 60_000;
const machines = Array.from({ length: 200 }, (_, position) => `aks-np-${position}`);
const identities = ['orders', 'reports', 'vault'];
const livesMs = 90_000;
const everyMs = 3_000;

const idOf = (machine: string) =>
  identityId('x').replace(/Microsoft\.ManagedIdentity.*/, `Microsoft.Compute/virtualMachines/${machine}`);
const podsOf = (machine: string) =>
  identities.map((label) => ({ name: `${label}-${machine}`, label, node: machine }));

function arrive(machine: string): void {
  scene.sim.azure.world.addVirtualMachine({ id: idOf(machine) });
  scene.sim.kube.seed([
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: machine },
      spec: { providerID: `azure://${idOf(machine)}` },
    },
  ]);
  scene.pods(podsOf(machine));
}

async function leave(machine: string): Promise<void> {
  for (const { name } of podsOf(machine)) await scene.remove('pods', name);
  await scene.town.client.request('DELETE', `/api/v1/nodes/${machine}`);
  scene.sim.azure.world.deleteHost(idOf(machine));
}

test('of 200 virtual machines that come and go in ten minutes each gets its three identities in one PATCH, and no record of one that is gone is kept', async () => {
  scene = await setScene({});
  await scene.bind(...identities);
  const mic = await scene.startMic();
  const served = new Set<string>();
  const living: string[] = [];
  for (const machine of machines) {
    arrive(machine);
    living.push(machine);
    await scene.pass(everyMs, 1_000);
    for (const one of living) if (scene.attached(one).length === identities.length) served.add(one);
    if (living.length > livesMs / everyMs) await leave(living.shift()!);
  }
  expect(machines.filter((machine) => !served.has(machine) && !living.includes(machine))).toEqual([]);
  for (const machine of [...living]) await leave(machine);
  await scene.pass(20 * minute, 5_000);

  const patches = machines.map((machine) => scene.callsTo(machine, 'PATCH').length);
  expect(Math.max(...patches)).toBe(1);
  expect(scene.records()).toEqual([]);
  expect(scene.states()).toEqual([]);
  expect(mic.lines.filter((line) => line.includes('pass crashed'))).toEqual([]);
});
