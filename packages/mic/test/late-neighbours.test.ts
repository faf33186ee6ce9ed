// Updates that ARM accepts and that fail later without naming the cause: identities of one namespace must not block others.
import { describe, expect, test } from 'vitest';
import { createHostScene, minuteMs, type HostScene } from './host-scene.ts';

const teams = Array.from({ length: 8 }, (_, index) => `team-${index}`);

/** Every update fails late while the host lists the identity. */
function failOver(scene: HostScene, name: string, code: string) {
  const { sim } = scene.azure;
  return sim.azure.failOperations((host) =>
    sim.azure.world.attachedTo(host).some((id) => id.endsWith(`/${name}`))
      ? { code, message: 'Something went wrong.' }
      : undefined,
  );
}

describe.each(['VMExtensionProvisioningError', 'InternalExecutionError'])(
  'an identity over which every update fails with %s, which names nothing',
  (code) => {
    test('delays no other namespace for long that comes at the same time, wherever its name sorts', async () => {
      for (const namespace of ['attacker', 'zz-attacker']) {
        await using scene = await createHostScene();
        scene.create('bad', ...teams);
        failOver(scene, 'bad', code);
        scene.addPods({ namespace, names: ['bad'] });
        for (const team of teams) scene.addPods({ namespace: team, names: [team] });
        await scene.run(15 * minuteMs);
        const last = Math.max(...teams.map((team) => scene.attachedAfter(team) ?? Infinity));
        expect(scene.usable()).toEqual(teams);
        expect(last).toBeLessThan(10);
        expect([...(scene.facts()?.strikes.keys() ?? [])]).toEqual([namespace]);
      }
    });

    test('delays those that come later by one pause at most, and once it is known not at all', async () => {
      await using scene = await createHostScene();
      scene.create('bad', ...teams);
      failOver(scene, 'bad', code);
      scene.addPods({ namespace: 'attacker', names: ['bad'] });
      await scene.run(30 * minuteMs);
      const waits: number[] = [];
      for (const team of teams) {
        const from = scene.minutes();
        scene.addPods({ namespace: team, names: [team] });
        await scene.runUntil(() => scene.usable().includes(team), 10 * minuteMs);
        waits.push(scene.minutes() - from);
        await scene.run(7 * minuteMs);
        if (team === 'team-3') await scene.replaceLeader();
      }
      const [first = 0, ...later] = waits;
      expect(first).toBeLessThan(7);
      expect(Math.max(...later)).toBeLessThan(1);
    });

    test('is served when it works again, and costs few PATCHes until then', async () => {
      await using scene = await createHostScene();
      scene.create('bad', 'good');
      const heal = failOver(scene, 'bad', code);
      scene.addPods({ namespace: 'attacker', names: ['bad'] });
      scene.addPods({ namespace: 'shop', names: ['good'] });
      await scene.run(60 * minuteMs);
      expect(scene.usable()).toEqual(['good']);
      expect(scene.patches()).toBeLessThanOrEqual(40);
      heal();
      await scene.run(90 * minuteMs);
      expect(scene.usable()).toEqual(['bad', 'good']);
    });
  },
);

test('a host whose every update fails by itself: nobody is blamed, and all is served when it is well again', async () => {
  await using scene = await createHostScene();
  scene.create(...teams);
  const heal = scene.azure.sim.azure.failOperations(() => ({
    code: 'VMExtensionProvisioningError',
    message: 'x',
  }));
  for (const team of teams) scene.addPods({ namespace: team, names: [team] });
  await scene.run(60 * minuteMs);
  expect(scene.facts()?.strikes.size).toBe(0);
  heal();
  await scene.run(12 * minuteMs);
  expect(scene.usable()).toEqual(teams);
});
