// Whose an identity on a scale set is, with whole MICs: what others attached stays theirs, what MIC attached stays MIC's.
import { afterEach, expect, test } from 'vitest';
import { identityId, scaleSetId } from '../stage.ts';
import { setScene, type Scene, type SceneOptions } from './scene.ts';

let scene: Scene;
const enter = async (azure: SceneOptions['azure'] = {}) =>
  (scene = await setScene({ scaleSets: [{ name: 'vmss1', instances: 2 }], azure }));
afterEach(() => scene[Symbol.asyncDispose]());

const minuteMs = 60_000;
const driftMs = 3 * minuteMs;
const pod = (name: string, label = name) => ({ name, label, node: 'vmss1-0' });
const world = () => scene.sim.azure.world;
const attachForeign = (...names: readonly string[]) =>
  world().attach(scaleSetId('vmss1'), ...names.map((name) => identityId(name)));
const bodies = () => scene.callsTo('vmss1', 'PATCH').map(({ body }) => body);
const owned = () => scene.records().flatMap(({ ours }) => ours.map(({ id }) => id.split('/').at(-1)));
const refusePatches = (status: number, code: string, times?: number) =>
  scene.armFault(
    { method: 'PATCH', path: /vmss1$/i },
    { status, body: { error: { code, message: code } } },
    times,
  );

/** A leader that is gone from one moment to the next, and another one in its place. */
async function changeLeaders(old: { deposeUnnoticed(): void; depose(): void }) {
  old.deposeUnnoticed();
  old.depose();
  return scene.startMic();
}

test('a wrong clientID in an AzureIdentity takes nothing off a scale set, in no term, and its condition names the mismatch', async () => {
  await enter();
  world().addIdentity({ resourceId: identityId('victim') });
  scene.sim.kube.seed([
    {
      apiVersion: 'aadpodidentity.k8s.io/v1',
      kind: 'AzureIdentity',
      metadata: { name: 'attack', namespace: 'default' },
      spec: { type: 0, resourceID: identityId('victim'), clientID: 'ffffffff-0000-0000-0000-000000000000' },
    },
  ]);
  await scene.town.binding({ name: 'attack', identity: 'attack', selector: 'attack' });
  attachForeign('victim');
  scene.pods([pod('attacker', 'attack')]);
  const first = await scene.startMic();
  await scene.pass(10 * minuteMs);
  await changeLeaders(first);
  await scene.pass(10 * minuteMs);
  expect(bodies()).toEqual([]);
  expect(scene.attached('vmss1')).toEqual(['victim']);
  expect(owned()).toEqual([]);
  const [identity] = scene.sim.kube
    .list('azureidentities')
    .filter(({ metadata }) => metadata.name === 'attack');
  expect(identity?.['status']).toMatchObject({
    conditions: [{ status: 'False', reason: 'ClientIDMismatch' }],
  });
});

test('the renewal of a dead foreign identity that was cut short is completed by the next leader, and it stays foreign', async () => {
  await enter();
  await scene.bind('shared');
  attachForeign('shared');
  world().recreateIdentity(identityId('shared'));
  scene.pods([pod('app', 'shared')]);
  const hold = scene.sim.azure.holdOperations();
  const first = await scene.startMic();
  await scene.until(() => bodies().length === 1);
  expect(scene.attached('vmss1')).toEqual([]);
  await scene.remove('pods', 'app');
  await changeLeaders(first);
  hold.release();
  await scene.until(() => scene.attached('vmss1').join() === 'shared', 5 * minuteMs);
  await scene.pass(2 * driftMs);
  expect(scene.attached('vmss1')).toEqual(['shared']);
  expect(owned()).toEqual([]);
  expect(scene.records()).toEqual([]);
});

test('a renewal that is throttled between its halves ends as it should, and the identity stays foreign', async () => {
  await enter();
  await scene.bind('shared');
  attachForeign('shared');
  world().recreateIdentity(identityId('shared'));
  const hold = scene.sim.azure.holdOperations();
  scene.pods([pod('app', 'shared')]);
  await scene.startMic();
  await scene.until(() => bodies().length === 1);
  const throttled = refusePatches(429, 'TooManyRequests');
  hold.release();
  await scene.pass(2 * minuteMs);
  throttled.remove();
  await scene.until(() => scene.isAllAssigned(1), 10 * minuteMs);
  await scene.remove('pods', 'app');
  await scene.pass(2 * driftMs);
  expect(scene.attached('vmss1')).toEqual(['shared']);
  expect(owned()).toEqual([]);
});

test('a dead foreign identity that MIC may not attach is left on its scale set', async () => {
  await enter({ enforceRoles: true });
  const mic = world().findIdentity(identityId('cluster-agentpool'))!;
  const scope = scaleSetId('vmss1').replace(/\/providers.*/, '');
  world().grant(mic.principalId, 'Virtual Machine Contributor', scope);
  await scene.bind('shared');
  attachForeign('shared');
  world().recreateIdentity(identityId('shared'));
  scene.pods([pod('app', 'shared')]);
  await scene.startMic();
  await scene.pass(10 * minuteMs);
  expect(bodies()).toEqual([]);
  expect(scene.attached('vmss1')).toEqual(['shared']);
});

test.each(['recreateIdentity', 'deleteIdentity'] as const)(
  'MIC’s own identity is taken off in the end although %s came while the scale set was being updated',
  async (disturb) => {
    await enter();
    await scene.bind('app', 'other');
    scene.pods([pod('app'), pod('other')]);
    await scene.startMic();
    await scene.until(() => scene.isAllAssigned(2));
    world().setProvisioningState(scaleSetId('vmss1'), 'Updating');
    world()[disturb](identityId('app'));
    await scene.pass(2 * driftMs);
    expect(owned()).toContain('app');
    world().setProvisioningState(scaleSetId('vmss1'), 'Succeeded');
    await scene.remove('pods', 'app');
    await scene.until(() => scene.attached('vmss1').join() === 'other', 4 * driftMs);
  },
);

test.each([
  [409, 'Conflict'],
  [429, 'TooManyRequests'],
  [400, 'BadRequest'],
])(
  'an intent that ARM refused with %i is withdrawn: what others attach later stays',
  async (status, code) => {
    await enter();
    await scene.bind('app');
    const fault = refusePatches(status, code);
    scene.pods([pod('app')]);
    await scene.startMic();
    await scene.until(() => fault.fired > 0);
    await scene.remove('pods', 'app');
    await scene.pass(minuteMs);
    expect(owned()).toEqual([]);
    fault.remove();
    attachForeign('app');
    scene.pods([pod('again', 'app')]);
    await scene.until(() => scene.isAllAssigned(1), 10 * minuteMs);
    await scene.remove('pods', 'again');
    await scene.pass(2 * driftMs);
    expect(scene.attached('vmss1')).toEqual(['app']);
  },
);

test.each([
  ['an answer that was lost', { loseAnswer: true }],
  ['408', { status: 408 }],
] as const)('a refusal after %s in an earlier term does not withdraw the intent', async (_, earlier) => {
  await enter({ armLatencyMs: 2 * minuteMs });
  await scene.bind('app', 'more');
  scene.armFault({ method: 'PATCH', path: /vmss1$/i }, earlier, 1);
  scene.pods([pod('app')]);
  const first = await scene.startMic();
  await scene.until(() => bodies().length > 0);
  await changeLeaders(first);
  refusePatches(409, 'AnotherOperationInProgress', 2);
  await scene.until(() => scene.isAllAssigned(1), 10 * minuteMs);
  await scene.remove('pods', 'app');
  await scene.until(() => scene.attached('vmss1').length === 0, 4 * driftMs);
});
