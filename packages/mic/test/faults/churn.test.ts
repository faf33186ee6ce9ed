// Pods come and go all the time, over several scale sets.
import { afterEach, expect, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';

let scene: Scene;
afterEach(() => scene[Symbol.asyncDispose]());

const numbers = (count: number) => Array.from({ length: count }, (_, position) => position);
const sets = ['vmss1', 'vmss2', 'vmss3', 'vmss4', 'vmss5'];

/** The same in every run. */
function dice(): (sides: number) => number {
  let state = 20;
  return (sides) => {
    state = (state * 48_271) % 0x7fffffff;
    return state % sides;
  };
}

test('item 20 in small: 500 pods and 50 identities, 20 changes a second for a minute: no live pod ever misses its identity, two writes a pod, and the end is tidy', async () => {
  scene = await setScene({ scaleSets: sets.map((name) => ({ name, instances: 4 })) });
  const { kube } = scene.sim;
  await scene.bind(...numbers(50).map((position) => `app${position}`));
  const roll = dice();
  const living = new Map<string, { label: string; set: string }>();
  let born = 0;
  const bear = () => {
    const [name, label, set] = [`pod${(born += 1)}`, `app${roll(50)}`, sets[roll(sets.length)]!];
    living.set(name, { label, set });
    return { name, label, node: `${set}-${roll(4)}` };
  };
  const written = new Map<string, number>();
  kube.storage.onChange((id, { after }) => {
    if (id.startsWith('azureassignedidentities')) written.set(after.name, (written.get(after.name) ?? 0) + 1);
  });
  scene.pods(numbers(500).map(bear));
  const mic = await scene.startMic({ rules: { detachGraceMs: 10_000 } });
  await scene.until(() => scene.isAllAssigned(500));

  for (let second = 0; second < 60; second += 1) {
    const goers = [...living.keys()].filter(() => roll(living.size) < 10).slice(0, 10);
    await Promise.all(goers.map((name) => (living.delete(name), scene.remove('pods', name))));
    scene.pods(goers.map(bear));
    await scene.pass(1_000);
    const served = scene.states().filter((line) => line.endsWith(': Assigned'));
    const attached = new Map(sets.map((set) => [set, new Set(scene.attached(set))]));
    for (const [name, { label, set }] of living) {
      if (!served.includes(`${name}-default-${label}: Assigned`)) continue;
      expect(attached.get(set)!.has(label), `${label} of ${name} on ${set}`).toBe(true);
    }
  }
  expect(born).toBeGreaterThan(700);
  await scene.until(() => scene.isAllAssigned(500), 30_000);
  await scene.pass(60_000, 1_000);

  for (const set of sets) {
    const needed = new Set([...living.values()].filter((pod) => pod.set === set).map(({ label }) => label));
    expect(scene.attached(set)).toEqual([...needed].sort());
    // Four a minute is ARM's limit for each: 12 at once, and then over the two minutes.
    expect(scene.callsTo(set, 'PATCH').length).toBeLessThanOrEqual(12 + 4 * 2);
  }
  // Created as Assigned and deleted; one write more for those that had to wait for Azure, as all of the first had to.
  expect(Math.max(...written.values())).toBeLessThanOrEqual(3);
  const later = [...written].filter(([name]) => Number(/^pod(\d+)-/.exec(name)?.[1]) > 500);
  const waited = later.filter(([name, count]) => count > (living.has(name.split('-')[0]!) ? 1 : 2));
  expect(waited.length / later.length).toBeLessThan(0.2);
  expect(mic.lines.filter((line) => line.includes('pass crashed'))).toEqual([]);
});
