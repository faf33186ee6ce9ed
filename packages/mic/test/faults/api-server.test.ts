// The API server loses history, stops responding or goes away, and hosts and nodes vanish under us.
import { afterEach, describe, expect, test } from 'vitest';
import { scaleSetId } from '../stage.ts';
import { setScene, type Scene } from './scene.ts';

let scene: Scene;
const enter = async () =>
  (scene = await setScene({
    scaleSets: [
      { name: 'vmss1', instances: 2 },
      { name: 'vmss2', instances: 1 },
    ],
  }));
afterEach(() => scene[Symbol.asyncDispose]());

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const pod = (name: string, label = 'app', node = 'vmss1-0') => ({ name, label, node });
const deleteNode = (name: string) => scene.town.client.request('DELETE', `/api/v1/nodes/${name}`);

/** A MIC that has served one pod. */
async function settled() {
  await enter();
  await scene.bind('app', 'later');
  scene.pods([pod('pod1')]);
  const mic = await scene.startMic();
  await scene.until(() => scene.isAllAssigned(1));
  return mic;
}

describe('watches', () => {
  test('compaction (410) in mid-pass, with a PATCH under way: what came and went unseen is made good', async () => {
    await settled();
    const hold = scene.sim.azure.holdOperations();
    scene.pods([pod('pod2', 'later')]);
    await scene.until(() => scene.callsTo('vmss1', 'PATCH').length === 2);
    const { kube } = scene.sim;
    kube.stallWatches(true);
    scene.pods([pod('pod3', 'app', 'vmss1-1')]);
    await scene.remove('pods', 'pod1');
    kube.compact();
    kube.dropWatches();
    kube.stallWatches(false);
    await scene.settle();
    hold.release();
    await scene.until(
      () => scene.states().join() === 'pod2-default-later: Assigned,pod3-default-app: Assigned',
      minuteMs,
    );
    expect(kube.journal.count({ query: /watch=true/ })).toBeGreaterThan(5);
    expect(scene.attached('vmss1')).toEqual(['app', 'later']);
  });

  test('half-open watches are noticed within the bound, and seen in the metric until then', async () => {
    const mic = await settled();
    scene.sim.kube.stallWatches(true);
    await scene.pass(secondMs);
    scene.pods([pod('pod2')]);
    await scene.pass(80 * secondMs);
    expect(scene.states()).toEqual(['pod1-default-app: Assigned']);
    const age = async () =>
      Number(/^aadpodidentity_mic_watch_age_seconds\{kind="pods"\} (\S+)$/m.exec(await mic.metrics())?.[1]);
    expect(await age()).toBeGreaterThanOrEqual(80);
    const opened = () => scene.sim.kube.journal.count({ path: /\/pods$/, query: /watch=true/ });
    const before = opened();
    // 90 s of silence, of which 81 are over.
    await scene.until(() => opened() > before, 9 * secondMs);
    scene.sim.kube.stallWatches(false);
    await scene.until(() => scene.isAllAssigned(2), 5 * secondMs);
    expect(await age()).toBeLessThan(5);
  });
});

describe('the API server is away for a minute', () => {
  test.each<[string, () => unknown, () => unknown]>([
    ['answers nobody', () => scene.sim.kube.pause(), () => scene.sim.kube.resume()],
    ['refuses connections', () => scene.sim.kube.stopListening(), () => scene.sim.kube.startListening()],
  ])(
    'it %s: nothing is undone, and afterwards all that happened is made good',
    async (_, goAway, comeBack) => {
      const mic = await settled();
      scene.leaveOut(/^\/api/);
      await goAway();
      scene.pods([pod('pod2', 'later'), pod('pod3', 'app', 'vmss2-0')]);
      await scene.pass(minuteMs);
      expect(scene.attached('vmss1')).toEqual(['app']);
      await comeBack();
      // The watches, 6 s; then Azure.
      await scene.until(() => scene.isAllAssigned(3), 20 * secondMs);
      expect(scene.attached('vmss1')).toEqual(['app', 'later']);
      expect(scene.attached('vmss2')).toEqual(['app']);
      expect(mic.lines.filter((line) => line.includes('pass crashed'))).toEqual([]);
    },
  );

  test('it goes in the middle of a PATCH: the identity is confirmed and Assigned when it is back, without a second PATCH', async () => {
    await settled();
    scene.pods([pod('pod2', 'later')]);
    await scene.until(() => scene.callsTo('vmss1', 'PATCH').length === 2);
    scene.leaveOut(/^\/api/);
    await scene.sim.kube.stopListening();
    await scene.pass(minuteMs);
    expect(scene.attached('vmss1')).toEqual(['app', 'later']);
    await scene.sim.kube.startListening();
    await scene.until(() => scene.isAllAssigned(2), 2 * minuteMs);
    await scene.pass(10 * secondMs);
    expect(scene.callsTo('vmss1', 'PATCH')).toHaveLength(2);
    expect(scene.records().flatMap(({ ours }) => ours.map(({ confirmed }) => confirmed))).toEqual([
      true,
      true,
    ]);
  });
});

describe('a host goes', () => {
  test('a scale set deleted under us harms nobody else, costs few calls, and leaves no record', async () => {
    const mic = await settled();
    scene.pods([pod('pod2', 'app', 'vmss2-0')]);
    await scene.until(() => scene.isAllAssigned(2));
    scene.sim.azure.world.deleteHost(scaleSetId('vmss1'));
    scene.pods([pod('pod3', 'later'), pod('pod4', 'later', 'vmss2-0')]);
    await scene.until(() => scene.states().includes('pod4-default-later: Assigned'), minuteMs);
    const before = scene.callsTo('vmss1').length;
    await scene.pass(30 * minuteMs, secondMs);
    expect(scene.callsTo('vmss1', 'PATCH')).toHaveLength(1);
    // After 1, 2, 4 … 10 minutes.
    expect(scene.callsTo('vmss1').length - before).toBeLessThanOrEqual(2 * 7);

    // Kubernetes follows: its nodes go, and their pods.
    for (const name of ['vmss1-0', 'vmss1-1']) await deleteNode(name);
    for (const name of ['pod1', 'pod3']) await scene.remove('pods', name);
    await scene.until(() => scene.isAllAssigned(2), minuteMs);
    await scene.pass(15 * minuteMs, secondMs);
    expect(scene.records()).toHaveLength(1);
    expect(await mic.metrics()).toMatch(/^aadpodidentity_mic_throttled_hosts 0$/m);
  });

  test('a scale set that is being deleted gets no PATCH', async () => {
    await enter();
    await scene.bind('app');
    scene.sim.azure.world.setProvisioningState(scaleSetId('vmss1'), 'Deleting');
    scene.pods([pod('pod1'), pod('pod2', 'app', 'vmss2-0')]);
    await scene.startMic();
    await scene.until(() => scene.states().includes('pod2-default-app: Assigned'));
    await scene.pass(10 * minuteMs, secondMs);
    expect(scene.callsTo('vmss1', 'PATCH')).toEqual([]);
    expect(scene.callsTo('vmss1').length).toBeLessThan(12);
  });

  test('a node removed takes its assignments with it, and the identity stays for the pods of the other nodes', async () => {
    await settled();
    scene.pods([pod('pod2', 'app', 'vmss1-1'), pod('pod3', 'later')]);
    await scene.until(() => scene.isAllAssigned(3));
    await deleteNode('vmss1-0');
    await scene.until(() => scene.states().join() === 'pod2-default-app: Assigned', minuteMs);
    await scene.until(() => scene.attached('vmss1').join() === 'app', minuteMs);

    // Its last node as well: what MIC attached comes off although no node points there any more.
    await deleteNode('vmss1-1');
    await scene.until(() => scene.attached('vmss1').length === 0, minuteMs);
    await scene.until(() => scene.records().length === 0, minuteMs);
    expect(scene.states()).toEqual([]);
  });
});
