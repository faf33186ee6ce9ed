// Updates that ARM accepts, lists and then fails: what they attach is not on the machines, and IMDS does not know it.
import { afterEach, expect, test } from 'vitest';
import { identityId, scaleSetId } from '../stage.ts';
import { setScene, type Scene, type SceneOptions } from './scene.ts';

let scene: Scene;
const enter = async (azure: SceneOptions['azure'] = {}) =>
  (scene = await setScene({ scaleSets: [{ name: 'vmss1', instances: 2 }], azure }));
afterEach(() => scene[Symbol.asyncDispose]());

const minuteMs = 60_000;
const pod = (name: string, label = name) => ({ name, label, node: 'vmss1-0' });
const patches = () => scene.callsTo('vmss1', 'PATCH');
const internalError = { code: 'InternalExecutionError', message: 'An internal execution error occurred.' };
const extensionFailed = { code: 'VMExtensionProvisioningError', message: 'extension x timed out' };

/** Names that IMDS on the machines of the scale set serves. */
function served(): readonly string[] {
  const { attached } = scene.sim.azure.world.hostRecord(scaleSetId('vmss1'))!.effective;
  return [...attached.keys()].map((id) => id.slice(id.lastIndexOf('/') + 1)).sort();
}

function isAssigned(name: string): boolean {
  return scene.states().some((line) => line.startsWith(`${name}-`) && line.endsWith(': Assigned'));
}

/** What was seen at any moment: an object that says Assigned while IMDS does not know its identity. */
function watchPromises(...names: readonly string[]): readonly string[] {
  const broken: string[] = [];
  void scene.sim.kube.until(() => {
    for (const name of names) if (isAssigned(name) && !served().includes(name)) broken.push(name);
    return false;
  });
  return broken;
}

test.each([
  ['in ARM’s own words', extensionFailed],
  ['as an internal error', internalError],
])(
  'an update that fails late %s assigns nothing, is sent again, and then pods get their identity',
  async (_how, failure) => {
    await enter();
    await scene.bind('app');
    const broken = watchPromises('app');
    scene.pods([pod('app')]);
    const heal = scene.sim.azure.failOperations(() => failure);
    await scene.startMic();
    await scene.until(() => scene.sim.azure.world.host(scaleSetId('vmss1')).provisioningState === 'Failed');
    heal();
    expect(scene.attached('vmss1')).toEqual(['app']);
    await scene.until(() => isAssigned('app'), 30_000);
    expect(served()).toEqual(['app']);
    expect(broken).toEqual([]);
  },
);

test('a late failure that only the next leader sees is made up for as well', async () => {
  await enter();
  await scene.bind('app');
  const broken = watchPromises('app');
  scene.pods([pod('app')]);
  const hold = scene.sim.azure.holdOperations();
  const first = await scene.startMic();
  await scene.until(() => patches().length === 1);
  first.deposeUnnoticed();
  first.depose();
  hold.release(internalError);
  await scene.startMic();
  await scene.until(() => isAssigned('app'), 30_000);
  expect(served()).toEqual(['app']);
  expect(broken).toEqual([]);
  // It is MIC's own, as ever.
  await scene.remove('pods', 'app');
  await scene.until(() => scene.attached('vmss1').length === 0, 5 * minuteMs);
});

test('a leader that finds the update of the last one under way waits for its end before it assigns', async () => {
  await enter();
  await scene.bind('app');
  const broken = watchPromises('app');
  scene.pods([pod('app')]);
  const hold = scene.sim.azure.holdOperations();
  const first = await scene.startMic();
  await scene.until(() => patches().length === 1);
  first.deposeUnnoticed();
  first.depose();
  await scene.startMic();
  await scene.pass(minuteMs);
  hold.release();
  await scene.until(() => isAssigned('app'), 45_000);
  expect(broken).toEqual([]);
  expect(patches()).toHaveLength(1);
});

test('a host whose every update fails is tried ever more rarely; what was assigned stays, and a pod that waits is told why', async () => {
  await enter({ throttle: true });
  await scene.bind('old', 'new', 'newer');
  scene.pods([pod('old')]);
  const mic = await scene.startMic();
  await scene.until(() => isAssigned('old'));
  const heal = scene.sim.azure.failOperations(() => extensionFailed);
  scene.pods([pod('new')]);
  await scene.pass(minuteMs, 1_000);
  scene.pods([pod('newer')]);
  const before = patches().length;
  await scene.pass(60 * minuteMs, 1_000);
  expect(patches().length - before).toBeLessThanOrEqual(20);
  expect(patches().length - before).toBeGreaterThanOrEqual(10);
  // One update carries all that waits.
  for (const name of ['new', 'newer']) expect(patches().at(-1)?.body).toContain(`/${name}"`);
  expect(scene.attached('vmss1')).toEqual(['new', 'newer', 'old']);
  expect(isAssigned('old')).toBe(true);
  expect(isAssigned('new') || isAssigned('newer')).toBe(false);
  const told = scene.sim.kube
    .list('events')
    .filter((event) => event['reason'] === 'WaitingForIdentity')
    .map((event) => String(event['message']));
  expect(told.filter((message) => message.includes(extensionFailed.code)).length).toBeGreaterThanOrEqual(2);
  heal();
  await scene.until(() => isAssigned('new') && isAssigned('newer'), 6 * minuteMs);
  expect(mic.lines.filter((line) => line.includes('pass crashed'))).toEqual([]);
});

test('a host that is Failed for reasons of its own costs no update and no identity', async () => {
  await enter();
  await scene.bind('app');
  scene.sim.azure.world.attach(scaleSetId('vmss1'), identityId('app'));
  scene.sim.azure.world.setProvisioningState(scaleSetId('vmss1'), 'Failed');
  scene.pods([pod('app')]);
  const first = await scene.startMic();
  await scene.until(() => isAssigned('app'));
  first.depose();
  await scene.startMic();
  await scene.pass(20 * minuteMs, 1_000);
  expect(patches()).toEqual([]);
  expect(isAssigned('app')).toBe(true);
});

test('somebody else’s update of the host that succeeds puts an end to it without another PATCH of MIC’s', async () => {
  await enter();
  await scene.bind('app');
  const broken = watchPromises('app');
  scene.pods([pod('app')]);
  scene.sim.azure.failOperations(() => extensionFailed);
  await scene.startMic();
  await scene.pass(5 * minuteMs, 1_000);
  const { world } = scene.sim.azure;
  world.beginUpdate(scaleSetId('vmss1'), world.hostRecord(scaleSetId('vmss1'))!.model);
  world.endUpdate(scaleSetId('vmss1'), 'Succeeded');
  const sent = patches().length;
  await scene.until(() => isAssigned('app'), 6 * minuteMs);
  expect(patches()).toHaveLength(sent);
  expect(broken).toEqual([]);
});

test('an identity over which updates fail late comes off the host again, and the others don’t wait for it', async () => {
  await enter();
  await scene.bind('bad', 'good', 'later');
  const { world } = scene.sim.azure;
  const isBadListed = (host: string) => world.attachedTo(host).some((id) => id.endsWith('/bad'));
  scene.sim.azure.failOperations((host) =>
    isBadListed(host)
      ? { code: 'FailedIdentityOperation', message: `the identity '${identityId('bad')}' cannot be used` }
      : undefined,
  );
  const broken = watchPromises('bad', 'good', 'later');
  scene.pods([pod('bad'), pod('good')]);
  await scene.startMic();
  await scene.until(() => isAssigned('good'), minuteMs);
  scene.pods([pod('later')]);
  await scene.until(() => isAssigned('later'), 2 * minuteMs);
  expect(scene.events('IdentityRejected')).toContain('Pod/bad');
  expect(scene.attached('vmss1')).toEqual(['good', 'later']);
  expect(served()).toEqual(['good', 'later']);
  expect(broken).toEqual([]);
});
