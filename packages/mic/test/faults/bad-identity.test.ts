// Many pods and identities at once, one of them rotten: few calls to ARM, and harm only to the rotten one.
import { afterEach, expect, test } from 'vitest';
import { identityId } from '../stage.ts';
import { setScene, type Scene } from './scene.ts';

let scene: Scene;
const enter = async () => (scene = await setScene({ scaleSets: [{ name: 'vmss1', instances: 5 }] }));
afterEach(() => scene[Symbol.asyncDispose]());

const minuteMs = 60_000;
const numbers = (count: number) => Array.from({ length: count }, (_, position) => position);
const nodeOf = (position: number) => `vmss1-${position % 5}`;
const conditionOf = (name: string, namespace = 'default') =>
  (
    scene.sim.kube.get('azureidentities', name, namespace)?.['status'] as
      { conditions?: readonly { status: string; reason: string; message: string }[] } | undefined
  )?.conditions?.[0];

test('item 2 50 new pods that use 20 new identities each, arriving within a second: at most 2 PATCHes', async () => {
  const { town } = await enter();
  await scene.startMic();
  await scene.until(() => scene.sim.kube.openWatches === 5);
  for (const step of numbers(10)) {
    for (const position of [2 * step, 2 * step + 1]) {
      await town.identity({ name: `app${position}` });
      await town.binding({ name: `app${position}`, identity: `app${position}`, selector: 'app' });
    }
    scene.pods(
      numbers(5).map((offset) => ({
        name: `pod${5 * step + offset}`,
        label: 'app',
        node: nodeOf(offset),
      })),
    );
    await scene.pass(100, 100);
  }
  await scene.until(() => scene.isAllAssigned(50 * 20), minuteMs);
  expect(scene.callsTo('vmss1', 'PATCH').length).toBeLessThanOrEqual(2);
  expect(scene.attached('vmss1')).toHaveLength(20);
});

test.each([
  ['that ARM names', false],
  ['that ARM does not name', true],
])(
  'item 3 one nonexistent identity among 40 %s: the other 39 are Assigned in the same pass, and it is told everywhere',
  async (_, isUnnamed) => {
    const { sim } = await enter();
    const labels = numbers(40).map((position) => `app${position}`);
    await scene.bind(...labels);
    sim.azure.world.deleteIdentity(identityId('app17'));
    if (isUnnamed) refuseWithoutNames('app17');
    scene.pods(labels.map((label, position) => ({ name: label, label, node: nodeOf(position) })));
    const mic = await scene.startMic();
    const isServed = (label: string) => scene.states().includes(`${label}-default-${label}: Assigned`);
    // Each PATCH takes five seconds of Azure's time, and is asked about a little later than it ends.
    await scene.until(() => labels.filter(isServed).length === 39, 2 * minuteMs);

    expect(isServed('app17')).toBe(false);
    const patches = scene.callsTo('vmss1', 'PATCH').length;
    expect(patches).toBeLessThanOrEqual(isUnnamed ? 1 + 2 * Math.log2(40) + 1 : 2);
    // The same pass: the host was left alone at no point.
    const lines = mic.lines.filter((line) => line.includes('identities of scale set vmss1 changed'));
    expect(lines).toHaveLength(1);

    await scene.until(() => conditionOf('app17')?.reason === 'Rejected', 10_000);
    expect(conditionOf('app17')).toMatchObject({ status: 'False' });
    expect(conditionOf('app16')).toMatchObject({ status: 'True', reason: 'Attached' });
    expect(scene.events('IdentityRejected')).toEqual(['AzureIdentity/app17', 'Pod/app17']);
    expect(await mic.metrics()).toMatch(/^aadpodidentity_mic_quarantined_identities 1$/m);

    sim.azure.world.addIdentity({ resourceId: identityId('app17') });
    sim.azure.faults.clear();
    await scene.until(() => scene.isAllAssigned(40), 3 * minuteMs);
    // The new identity has another client id than the AzureIdentity states: that is what its owner has to know by now.
    await scene.until(() => conditionOf('app17')?.reason === 'ClientIDMismatch', 10_000);
    expect(await mic.metrics()).toMatch(/^aadpodidentity_mic_quarantined_identities 0$/m);
  },
);

test('item 3 while it stays away, a bad identity costs ever fewer calls', async () => {
  const { sim } = await enter();
  await scene.bind('good', 'bad');
  sim.azure.world.deleteIdentity(identityId('bad'));
  scene.pods([
    { name: 'pod1', label: 'good', node: 'vmss1-0' },
    { name: 'pod2', label: 'bad', node: 'vmss1-0' },
  ]);
  await scene.startMic();
  await scene.pass(4 * 60 * minuteMs, 1_000);
  const patches = scene.callsTo('vmss1', 'PATCH').map(({ at }) => at);
  // After 1, 2, 4 … minutes, then once an hour.
  expect(patches.length).toBeLessThanOrEqual(1 + 1 + 6 + 4);
  expect(patches.at(-1)! - patches.at(-2)!).toBeGreaterThan(50 * minuteMs);
  expect(scene.attached('vmss1')).toEqual(['good']);
  // The same words are one Event, counted up; nothing of all this writes to the assignments.
  expect(scene.events('IdentityRejected')).toEqual(['AzureIdentity/bad', 'Pod/pod2']);
});

test('a refusal is not told to an AzureIdentity of another namespace that names the same resource and that no pod uses', async () => {
  const { sim, town } = await enter();
  await scene.bind('bad');
  const evil = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'evil' } };
  await town.client.request('POST', '/api/v1/namespaces', evil);
  await town.identity({ namespace: 'evil', name: 'spy', resourceId: identityId('bad') });
  sim.azure.world.deleteIdentity(identityId('bad'));
  scene.pods([{ name: 'pod1', label: 'bad', node: 'vmss1-0' }]);
  await scene.startMic();
  await scene.until(() => conditionOf('bad')?.reason === 'Rejected', minuteMs);
  await scene.until(() => conditionOf('spy', 'evil') !== undefined, minuteMs);
  expect(conditionOf('spy', 'evil')).toMatchObject({ status: 'True', reason: 'NotInUse' });
  await scene.until(() => scene.events('IdentityRejected').length > 1, minuteMs);
  expect(scene.events('IdentityRejected')).toEqual(['AzureIdentity/bad', 'Pod/pod1']);
});

/** Any PATCH that names it fails as a whole, with words that help nobody. */
function refuseWithoutNames(label: string) {
  const { faults, world } = scene.sim.azure;
  const take = faults.take.bind(faults);
  const gone = identityId(label).toLowerCase();
  const answer = {
    status: 400,
    body: { error: { code: 'BadRequest', message: 'The request is not valid.' } },
  };
  faults.take = (subject) => {
    const { body = '' } = subject as { body?: string };
    const isBad =
      subject.service === 'arm' && subject.method === 'PATCH' && body.toLowerCase().includes(gone);
    return isBad && world.findIdentity(gone) === undefined ? answer : take(subject);
  };
}
