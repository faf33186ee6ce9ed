import { describe, expect, test } from 'vitest';
import { identityId } from './azure-harness.ts';
import { createHostScene, minuteMs, type HostScene } from './host-scene.ts';

const bad = Array.from({ length: 60 }, (_, index) => `bad-${index}`);
const attacker = { namespace: 'attacker', names: bad };
const shop = { namespace: 'shop', names: ['good'] };

/** How long the identity took from now, in minutes. */
async function minutesFor(scene: HostScene, namespace: string, name: string) {
  const from = scene.minutes();
  scene.create(name);
  scene.addPods({ namespace, names: [name] });
  await scene.run(2 * minuteMs);
  return (scene.attachedAfter(name) ?? Infinity) - from;
}

describe.each([
  ['names the identity that it refuses', false],
  ['leaves its id out', true],
])('60 identities of one namespace that do not exist, where ARM %s', (_, anonymousRefusals) => {
  test('delay no other namespace that comes at the same time', async () => {
    await using scene = await createHostScene({ anonymousRefusals });
    scene.create('good');
    scene.addPods(attacker);
    scene.addPods(shop);
    await scene.run(30 * minuteMs);
    expect(scene.attachedAfter('good')).toBeLessThan(0.5);
  });

  test('delay none that comes later, nor after a new leader has begun', async () => {
    await using scene = await createHostScene({ anonymousRefusals });
    scene.addPods(attacker);
    const waits: number[] = [];
    for (let count = 0; count < 12; count += 1) {
      await scene.run(count * 7_000);
      if (count % 3 === 2) await scene.replaceLeader();
      waits.push(await minutesFor(scene, `team-${count}`, `good-${count}`));
    }
    expect(Math.max(...waits)).toBeLessThan(0.5);
  });

  test('cost no more PATCHes than their budget, however often the leader changes', async () => {
    await using scene = await createHostScene({ anonymousRefusals });
    scene.addPods(attacker);
    while (scene.minutes() < 20) {
      await scene.run(minuteMs);
      await scene.replaceLeader();
    }
    expect(scene.patches()).toBeLessThanOrEqual(4 + 20 / 2 + 1);
  });

  test('do not hold up a good one of their own namespace for ever', async () => {
    await using scene = await createHostScene({ anonymousRefusals });
    scene.create('own');
    scene.addPods({ namespace: 'attacker', names: [...bad.slice(0, 5), 'own'] });
    await scene.run(40 * minuteMs);
    expect(scene.attachedAfter('own')).toBeLessThan(40);
  });

  test('find those of thirty clean namespaces in the same PATCH attached soon', async () => {
    await using scene = await createHostScene({ anonymousRefusals });
    const teams = Array.from({ length: 30 }, (_, index) => `team-${index}`);
    scene.create(...teams);
    scene.addPods(attacker);
    for (const team of teams) scene.addPods({ namespace: team, names: [team] });
    await scene.run(10 * minuteMs);
    const last = Math.max(...teams.map((team) => scene.attachedAfter(team) ?? Infinity));
    expect(last).toBeLessThan(1.5);
  });

  test('that existed, were attached and were deleted in Azure delay no other namespace', async () => {
    await using scene = await createHostScene({ anonymousRefusals });
    scene.create(...bad);
    scene.addPods(attacker);
    await scene.run(minuteMs);
    expect(scene.attachedAfter('bad-59')).toBeLessThan(1);
    scene.removePods('attacker');
    await scene.run(20 * minuteMs);
    scene.deleteInAzure(...bad);
    scene.addPods(attacker);
    expect(await minutesFor(scene, 'shop', 'good')).toBeLessThan(0.5);
    await scene.run(20 * minuteMs);
    expect(await minutesFor(scene, 'late', 'late')).toBeLessThan(0.5);
  });
});

test('a search among identities of one namespace, half of them good, ends as soon as another namespace comes', async () => {
  await using scene = await createHostScene({ anonymousRefusals: true, armLatencyMs: minuteMs });
  const real = Array.from({ length: 20 }, (_, index) => `a-real-${index}`);
  scene.create(...real, 'good');
  scene.addPods({ namespace: 'attacker', names: [...real, ...bad.slice(0, 20)] });
  scene.clock.after(20_000, () => scene.addPods(shop));
  await scene.run(10 * minuteMs);
  // One operation of the attacker's was on its way, and its own takes a minute.
  expect(scene.attachedAfter('good')).toBeLessThan(3);
});

test('an identity that the host carried before comes back before what was never seen, though its namespace has strikes', async () => {
  await using scene = await createHostScene({ anonymousRefusals: true });
  scene.create('good');
  scene.addPods(shop);
  await scene.run(minuteMs);
  scene.removePods('shop');
  await scene.run(10 * minuteMs);
  expect(scene.isAttached('good')).toBe(false);
  scene.addPods({ namespace: 'shop', names: bad });
  await scene.run(2 * minuteMs);
  const from = scene.minutes();
  scene.addPods({ namespace: 'shop', names: ['good'] });
  await scene.replaceLeader();
  await scene.run(minuteMs);
  expect(scene.isAttached('good')).toBe(true);
  expect(scene.minutes() - from).toBeLessThan(1.5);
});

test('each new leader goes on with the budget that the last one left', async () => {
  await using scene = await createHostScene();
  for (let count = 0; count < 6; count += 1) {
    const name = `id-${count}`;
    scene.create(name);
    scene.addPods({ namespace: `team-${count}`, names: [name] });
    await scene.run(1_000);
  }
  for (let count = 6; count < 18; count += 1) {
    await scene.replaceLeader();
    const name = `id-${count}`;
    scene.create(name);
    scene.addPods({ namespace: `team-${count}`, names: [name] });
    await scene.run(1_000);
  }
  expect(scene.minutes()).toBeLessThan(2);
  expect(scene.patches()).toBeLessThanOrEqual(8 + 3 * scene.minutes());
});

describe('a right that MIC lacks on the host itself', () => {
  const mayWrite =
    "The client 'c' with object id 'o' has permission to perform action 'Microsoft.Compute/virtualMachineScaleSets/write' on scope '/s'; however, it does not have permission to perform action(s)";
  const subnet =
    '/subscriptions/s/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/v/subnets/nodes';
  const lacking = (action: string) =>
    `The client 'c' with object id 'o' does not have authorization to perform action '${action}' over scope '/s' or the scope is invalid.`;
  const teams = Array.from({ length: 8 }, (_, index) => `team-${index}`);

  test.each([
    [
      'to change it',
      'PATCH',
      'AuthorizationFailed',
      lacking('Microsoft.Compute/virtualMachineScaleSets/write'),
    ],
    ['to read it', 'GET', 'AuthorizationFailed', lacking('Microsoft.Compute/virtualMachineScaleSets/read')],
    ['that ARM does not name', 'PATCH', 'AuthorizationFailed', 'No.'],
    [
      'on its subnet',
      'PATCH',
      'LinkedAuthorizationFailed',
      `${mayWrite} 'Microsoft.Network/virtualNetworks/subnets/join/action' on the linked scope(s) '${subnet}' or the linked scope(s) are invalid.`,
    ],
    [
      'on an identity that it carries already',
      'PATCH',
      'LinkedAuthorizationFailed',
      `${mayWrite} 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action' on the linked scope(s) '${identityId('kubelet')}' or the linked scope(s) are invalid.`,
    ],
  ])(
    '%s: no namespace is blamed, and all are served at once when it is there',
    async (...[, method, code, message]) => {
      await using scene = await createHostScene();
      scene.create(...teams, 'kubelet');
      const { faults, world } = scene.azure.sim.azure;
      world.attach(scene.host.id, identityId('kubelet'));
      const path = /virtualMachineScaleSets/i;
      const lack = faults.add({
        match: { service: 'arm', method, path },
        then: { status: 403, body: { error: { code, message } } },
      });
      for (const team of teams) scene.addPods({ namespace: team, names: [team] });
      await scene.run(10 * minuteMs);
      expect(scene.facts()?.strikes.size ?? 0).toBe(0);
      expect(scene.facts()?.quarantined.size ?? 0).toBe(0);
      expect(lack.fired).toBeLessThanOrEqual(12);
      lack.remove();
      const before = scene.patches();
      await scene.run(11 * minuteMs);
      expect(teams.filter(scene.isAttached)).toEqual(teams);
      expect(scene.patches() - before).toBe(1);
      expect(scene.facts()?.strikes.size).toBe(0);
    },
  );
});
