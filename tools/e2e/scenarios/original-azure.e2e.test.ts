// The checks of the original's end-to-end suite in Azure: which identities are attached to a scale set.
// Each test has its own scale set. Without a grace period unused identities are detached at once.
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as names from '../../stage/names.ts';
import { openStage, type Stage } from '../../stage/stage.ts';
import { untilObject } from '../../stage/until.ts';
import * as on from '../objects.ts';

let stage: Stage;
const immutable = '00000000-0000-0000-0000-0000000e1500';

beforeAll(async () => {
  stage = await openStage({ nodes: 1 });
  await stage.install();
  const args = ['--detach-grace-period', '0s'];
  // Client ids are case-insensitive; the original protected only the one in lower case.
  const mic = await stage.startMic('1', [...args, '--immutable-user-msis', immutable.toUpperCase()]);
  await mic.logged('became leader');
});
afterAll(() => stage.stop());

/** A managed identity with AzureIdentity and binding, all called the same. */
async function bound(name: string, clientId?: string) {
  const identity = on.addIdentity(stage, name, clientId === undefined ? {} : { clientId });
  await on.bind(stage, { name, ...identity });
  return identity;
}

test('E10 invalid identities stay Created, and affect neither a valid one of the same update nor earlier ones', async () => {
  const pool = await on.addPool(stage, 'e10');
  const node = pool.nodes[0]!;
  await bound('e10-before');
  await on.startPod(stage, { name: 'e10-before', node, label: 'e10-before' });
  await on.untilAssigned(stage.kube, ['e10-before']);

  await bound('e10-valid');
  const invalid = ['e10-bad-1', 'e10-bad-2', 'e10-bad-3'];
  for (const name of invalid)
    await on.bind(stage, { name, resourceId: names.identityId(`${name}-nowhere`), clientId: immutable });
  await Promise.all([...invalid, 'e10-valid'].map((name) => on.startPod(stage, { name, node, label: name })));
  await on.untilAssigned(stage.kube, ['e10-valid']);
  for (const name of invalid) {
    await on.untilAssignedObject(stage, `${name}-default-${name}`, (one) => on.stateOf(one) === 'Created');
    await untilObject(stage.kube, {
      path: '/api/v1/namespaces/default/events',
      fits: (event) =>
        event['reason'] === 'IdentityRejected' && (event['involvedObject'] as { name: string }).name === name,
    });
  }
  expect(pool.attached()).toEqual(['e10-before', 'e10-valid']);
  const before = (await on.assignedOf(stage.kube)).find((one) => on.podOf(one) === 'e10-before')!;
  expect(on.stateOf(before)).toBe('Assigned');
});

test('E11 an identity shared on a scale set is not removed while it is used', async () => {
  const pool = await on.addPool(stage, 'e11', { instances: 2 });
  await bound('e11');
  const [one, two] = await Promise.all(
    pool.nodes.map((node, position) => on.startPod(stage, { name: `e11-${position}`, node, label: 'e11' })),
  );
  await on.untilAssigned(stage.kube, ['e11-0', 'e11-1']);
  await on.removePods(stage, one!);
  // Another identity is attached after that: if the first one was to be detached, it would be by then.
  await bound('e11-witness');
  await on.startPod(stage, { name: 'e11-witness', node: pool.nodes[0]!, label: 'e11-witness' });
  await on.untilAssigned(stage.kube, ['e11-witness']);
  expect(pool.attached()).toEqual(['e11', 'e11-witness']);
  expect(pool.patches().filter((body) => body.includes('null'))).toEqual([]);
  await on.removePods(stage, two!);
  await pool.until('e11-witness');
});

test('E12 an AzureAssignedIdentity can be deleted if a user detached its identity before', async () => {
  const pool = await on.addPool(stage, 'e12');
  const { resourceId } = await bound('e12');
  const pod = await on.startPod(stage, { name: 'e12', node: pool.nodes[0]!, label: 'e12' });
  await on.untilAssigned(stage.kube, ['e12']);
  stage.sim.azure.world.detach(pool.id, resourceId);
  await on.removePods(stage, pod);
  expect(pool.attached()).toEqual([]);
});

test("E13 a scale set's system-assigned identity is the same before, during and after", async () => {
  const pool = await on.addPool(stage, 'e13', { systemAssigned: true });
  const block = () => stage.sim.azure.world.host(pool.id).identity;
  const { principalId } = block();
  await bound('e13');
  const pod = await on.startPod(stage, { name: 'e13', node: pool.nodes[0]!, label: 'e13' });
  await on.untilAssigned(stage.kube, ['e13']);
  expect(block()).toMatchObject({ type: 'SystemAssigned, UserAssigned', principalId });
  await on.removePods(stage, pod);
  await pool.until();
  expect(block()).toMatchObject({ type: 'SystemAssigned', principalId });
});

test('E14 identities that others attached stay, also one that pods used', async () => {
  const foreign = on.addIdentity(stage, 'e14-foreign');
  const used = await bound('e14-used');
  const pool = await on.addPool(stage, 'e14', { identities: [foreign.resourceId, used.resourceId] });
  await bound('e14-own');
  const node = pool.nodes[0]!;
  const pods = [
    await on.startPod(stage, { name: 'e14-used', node, label: 'e14-used' }),
    await on.startPod(stage, { name: 'e14-own', node, label: 'e14-own' }),
  ];
  await on.untilAssigned(stage.kube, ['e14-used', 'e14-own']);
  expect(pool.attached()).toEqual(['e14-foreign', 'e14-own', 'e14-used']);
  await on.removePods(stage, ...pods);
  await pool.until('e14-foreign', 'e14-used');
  for (const body of pool.patches()) expect(body).not.toMatch(/e14-(foreign|used)/);
});

test('E15 an immutable identity stays after the last pod that used it', async () => {
  const pool = await on.addPool(stage, 'e15');
  await bound('e15-immutable', immutable);
  await bound('e15-ordinary');
  const node = pool.nodes[0]!;
  const pods = [
    await on.startPod(stage, { name: 'e15-immutable', node, label: 'e15-immutable' }),
    await on.startPod(stage, { name: 'e15-ordinary', node, label: 'e15-ordinary' }),
  ];
  await on.untilAssigned(stage.kube, ['e15-immutable', 'e15-ordinary']);
  await on.removePods(stage, ...pods);
  await pool.until('e15-immutable');
});

test("E17 the cluster's own identity stays, even if MIC attached it for a pod", async () => {
  const pool = await on.addPool(stage, 'e17');
  const { id: resourceId, clientId } = names.clusterIdentity;
  await on.bind(stage, { name: 'e17-cluster', resourceId, clientId });
  await bound('e17-ordinary');
  const node = pool.nodes[0]!;
  const pods = [
    await on.startPod(stage, { name: 'e17-cluster', node, label: 'e17-cluster' }),
    await on.startPod(stage, { name: 'e17-ordinary', node, label: 'e17-ordinary' }),
  ];
  await on.untilAssigned(stage.kube, ['e17-cluster', 'e17-ordinary']);
  await on.removePods(stage, ...pods);
  await pool.until('demo-agentpool');
  expect(on.isAttached(stage, resourceId)).toBe(true);
});
