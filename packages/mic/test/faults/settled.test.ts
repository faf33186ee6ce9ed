// A settled world: what it costs to keep, and what comes back by itself when somebody disturbs it.
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { identityId, scaleSetId } from '../stage.ts';
import { setScene, type Scene } from './scene.ts';

let scene: Scene;
const enter = async (instances = 2) =>
  (scene = await setScene({ scaleSets: [{ name: 'vmss1', instances }] }));
afterEach(() => scene[Symbol.asyncDispose]());

const minuteMs = 60_000;
const driftMs = 3 * minuteMs;
const numbers = (count: number) => Array.from({ length: count }, (_, position) => position);
const node = 'vmss1-0';

test('item 6 a steady hour of 50 identities and 150 pods: no ARM call but one read of the scale set each drift period, and no write', async () => {
  const { sim } = await enter(5);
  const labels = numbers(50).map((position) => `app${position}`);
  await scene.bind(...labels);
  scene.pods(
    numbers(150).map((position) => ({
      name: `pod${position}`,
      label: `app${position % 50}`,
      node: `vmss1-${position % 5}`,
    })),
  );
  await scene.startMic();
  await scene.until(() => scene.isAllAssigned(150));
  // Conditions are written a few at a time.
  await scene.pass(2 * minuteMs);
  const mark = sim.azure.journal.mark();
  const { version } = sim.kube.storage;
  const before = scene.calls.length;

  await scene.pass(60 * minuteMs, 1_000);
  const calls = scene.calls.slice(before);
  // The period is shortened by up to a fifth, so that hosts are not all read at the same time.
  expect(calls.length).toBeGreaterThanOrEqual(19);
  expect(calls.length).toBeLessThanOrEqual(25);
  expect(new Set(calls.map(({ method }) => method))).toEqual(new Set(['GET']));
  expect(sim.azure.journal.count({ service: 'arm', since: mark })).toBe(calls.length);
  expect(sim.kube.storage.version).toBe(version);
});

test('item 9 identities wiped from a scale set are back within a drift period, and no object is touched', async () => {
  const { sim } = await enter();
  await scene.bind('app1', 'app2');
  scene.pods([
    { name: 'pod1', label: 'app1', node },
    { name: 'pod2', label: 'app2', node },
  ]);
  await scene.startMic();
  await scene.until(() => scene.isAllAssigned(2));
  const objects = JSON.stringify(sim.kube.list('azureassignedidentities'));
  await scene.pass(17_000);
  sim.azure.world.wipeIdentities(scaleSetId('vmss1'));
  await scene.until(() => scene.attached('vmss1').join() === 'app1,app2', driftMs + 10_000);
  await scene.pass(10_000);
  expect(JSON.stringify(sim.kube.list('azureassignedidentities'))).toBe(objects);

  // They are MIC's own as before: it takes them off in the end.
  for (const pod of ['pod1', 'pod2']) await scene.remove('pods', pod);
  await scene.until(() => scene.attached('vmss1').length === 0, minuteMs);
});

test('item 8 an identity that was deleted and made again heals without anybody’s doing, though the AzureIdentity states the old client id', async () => {
  const { sim } = await enter();
  await scene.bind('app', 'other');
  scene.pods([
    { name: 'pod1', label: 'app', node },
    { name: 'pod2', label: 'other', node },
  ]);
  const mic = await scene.startMic();
  await scene.until(() => scene.isAllAssigned(2));
  const { clientId } = sim.azure.world.recreateIdentity(identityId('app'));
  const entryOf = (name: string) =>
    Object.entries(sim.azure.world.host(scaleSetId('vmss1')).identity.userAssignedIdentities).find(([id]) =>
      id.toLowerCase().endsWith(`/${name}`),
    )?.[1];
  await scene.until(() => entryOf('app')?.clientId === clientId, driftMs + 20_000);
  expect(entryOf('other')?.clientId).toBe(sim.azure.world.identity(identityId('other')).clientId);
  await scene.until(() => scene.isAllAssigned(2));

  // A client id that never fits is no reason to do it again and again.
  const patches = scene.callsTo('vmss1', 'PATCH').length;
  await scene.pass(30 * minuteMs, 1_000);
  expect(scene.callsTo('vmss1', 'PATCH').length).toBe(patches);
  expect(mic.lines.filter((line) => line.includes('pass crashed'))).toEqual([]);
});

test('item 7 an entry of others whose identity was recreated is renewed for a pod that needs it, and stays theirs', async () => {
  const { sim } = await enter();
  await scene.bind('theirs', 'mine');
  sim.azure.world.attach(scaleSetId('vmss1'), identityId('theirs'));
  const { clientId } = sim.azure.world.recreateIdentity(identityId('theirs'));
  scene.pods([
    { name: 'pod1', label: 'theirs', node },
    { name: 'pod2', label: 'mine', node },
  ]);
  await scene.startMic();
  await scene.until(() => scene.isAllAssigned(2));
  for (const pod of ['pod1', 'pod2']) await scene.remove('pods', pod);
  await scene.pass(2 * driftMs, 1_000);
  expect(scene.attached('vmss1')).toEqual(['theirs']);
  const [entry] = Object.values(sim.azure.world.host(scaleSetId('vmss1')).identity.userAssignedIdentities);
  expect(entry?.clientId).toBe(clientId);
});

const kinds = [
  'others-attach',
  'others-detach',
  'pod-comes',
  'pod-goes',
  'time-passes',
  'mic-restarts',
] as const;
const acts = fc.record({
  kind: fc.constantFrom(...kinds, 'pod-comes' as const, 'pod-goes' as const, 'time-passes' as const),
  identity: fc.nat({ max: 3 }),
  seconds: fc.constantFrom(1, 8, 200),
});
type Act = typeof acts extends fc.Arbitrary<infer T> ? T : never;

test('item 7 whatever comes and goes, MIC never takes off what others had attached before, and ends with what pods need', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(acts, { minLength: 4, maxLength: 14 }), async (history) => {
      await using world = await setScene({ scaleSets: [{ name: 'vmss1', instances: 1 }] });
      const story = createStory(world);
      await story.begin();
      for (const act of history) await story.play(act);
      await story.end();
    }),
    { numRuns: 12, seed: 7, endOnFailure: true },
  );
});

/** Others are on the scale set when MIC does not have it in hand: what is absent then, and attached by them, is theirs. */
function createStory(world: Scene) {
  const names = numbers(4).map((position) => `app${position}`);
  const host = scaleSetId('vmss1');
  const foreign = new Set<string>();
  const pods = new Set<string>();
  let mic: Awaited<ReturnType<Scene['startMic']>>;
  const taken = new Set<string>();
  const look = () => {
    const attached = world.attached('vmss1');
    for (const name of foreign) if (!attached.includes(name)) taken.add(name);
  };
  // Asked after each change of the world.
  void world.sim.azure.world.until(() => (look(), false));
  const playing: Record<Act['kind'], (name: string, act: Act) => unknown> = {
    async 'others-attach'(name) {
      // One that MIC has attached, or is about to, is MIC's, whoever attaches it again.
      await world.pass(20_000, 1_000);
      if (world.attached('vmss1').includes(name)) return;
      world.sim.azure.world.attach(host, identityId(name));
      foreign.add(name);
      // MIC sees it at its next reading; until then an intent of its own could still claim it.
      await world.pass(driftMs, 1_000);
    },
    'others-detach'(name) {
      foreign.delete(name);
      if (world.attached('vmss1').includes(name)) world.sim.azure.world.detach(host, identityId(name));
    },
    'pod-comes'(name) {
      if (!pods.has(name)) world.pods([{ name, label: name, node }]);
      pods.add(name);
    },
    'pod-goes': (name) => pods.delete(name) && world.remove('pods', name),
    'time-passes': (_, { seconds }) => world.pass(seconds * 1_000, 500),
    async 'mic-restarts'() {
      await mic.stop();
      mic = await world.startMic();
    },
  };
  return {
    async begin() {
      await world.bind(...names);
      mic = await world.startMic();
      await world.settle();
    },
    async play(act: Act) {
      await playing[act.kind](names[act.identity]!, act);
    },
    async end() {
      await world.pass(2 * driftMs, 1_000);
      expect([...taken]).toEqual([]);
      const wanted = names.filter((name) => pods.has(name) || foreign.has(name));
      expect(world.attached('vmss1')).toEqual(wanted);
      expect(world.isAllAssigned(pods.size)).toBe(true);
    },
  };
}
