import { describe, expect, test } from 'vitest';
import type { PlanRules } from '../plan/types.ts';
import { alive, idOf } from '../plan/test/builders.ts';
import { createFakeWorld, host, recordAfterMs, type FakeWorld } from './test/fake-world.ts';

async function settledWorld(rules: Partial<PlanRules> = {}) {
  const world = createFakeWorld({ rules });
  world.addNode();
  world.addIdentity('app');
  world.addPod('pod', 'app');
  const term = await world.startTerm();
  await world.clock.advance(10_000);
  expect(world.states()).toEqual(['pod: Assigned']);
  world.writes.length = 0;
  return { world, term };
}
const recordOf = (world: FakeWorld) =>
  JSON.parse(world.records()[0] ?? '{}') as {
    ours?: object[];
    notBefore?: number;
    quarantined?: { id: string; failures: number }[];
  };

test('the intent is recorded before the PATCH is sent, and confirmed after it', async () => {
  const world = createFakeWorld();
  world.addNode();
  world.addIdentity('app');
  world.addPod('pod', 'app');
  const seen: unknown[] = [];
  world.onWrite((name) => name === 'PATCH' && seen.push(recordOf(world).ours));
  await world.startTerm();
  await world.clock.advance(10_000);
  expect(seen).toMatchObject([[{ id: idOf('app'), confirmed: false }]]);
  expect(recordOf(world).ours).toMatchObject([{ id: idOf('app'), confirmed: true }]);
});

test('a lease that expired while the intent was written prevents the PATCH, even before a timer has fired', async () => {
  const world = createFakeWorld();
  world.addNode();
  world.addIdentity('app');
  world.addPod('pod', 'app');
  const term = await world.startTerm();
  world.onWrite((name) => {
    if (name === 'create record') term.lapse();
  });
  await world.clock.advance(60_000);
  expect(world.writes).toEqual(['create record']);
});

test('a lease that expired during the PATCH prevents further writes', async () => {
  const world = createFakeWorld();
  world.addNode();
  world.addIdentity('app');
  world.addPod('pod', 'app');
  const term = await world.startTerm();
  world.onWrite((name) => {
    if (name === 'PATCH') term.lapse();
  });
  await world.clock.advance(60_000);
  expect(world.writes).toEqual(['create record', 'PATCH']);
});

describe('detaching', () => {
  test('a pod that returns while the detach is being prepared keeps its identity', async () => {
    const { world, term } = await settledWorld({ detachGraceMs: 0 });
    world.addIdentity('other');
    world.addPod('witness', 'other');
    world.removePod('pod');
    // The last write before the PATCH: the intent of the other identity.
    world.onWrite((name) => {
      if (name === 'replace record' && !world.index.pod('shop/back')) world.addPod('back', 'app');
    });
    term.poke();
    await world.clock.advance(30_000);
    term.poke();
    await world.clock.advance(30_000);
    expect([...world.attached.keys()]).toContain(idOf('app'));
    expect(world.writes.filter((name) => name === 'PATCH')).toHaveLength(1);
    expect(world.states()).toEqual(['back: Assigned', 'witness: Assigned']);
  });

  test('a pod that appears while the identity is being detached gets Assigned only when it is attached again', async () => {
    const { world, term } = await settledWorld({ detachGraceMs: 0 });
    const hold = Promise.withResolvers<undefined>();
    world.gates.hold = hold.promise;
    world.removePod('pod');
    term.poke();
    await world.clock.advance(1_000);
    expect(world.attached.size).toBe(0);
    world.addPod('late', 'app');
    term.poke();
    await world.clock.advance(1_000);
    expect(world.states()).toEqual([]);
    hold.resolve(undefined);
    await world.clock.advance(5_000);
    expect(world.states()).toEqual(['late: Assigned']);
    expect([...world.attached.keys()]).toEqual([idOf('app')]);
  });

  test('W-P5 within the grace nothing is detached, and a pod of a rolling update is Assigned without a PATCH', async () => {
    const { world, term } = await settledWorld();
    world.removePod('pod');
    world.addPod('next', 'app');
    term.poke();
    await world.clock.advance(60_000);
    expect(world.writes.sort()).toEqual(['create assigned', 'delete assigned']);
  });
});

test('a record that another process wrote stops the change; it is read and the next plan starts from it', async () => {
  const { world, term } = await settledWorld();
  const [configMap] = [...world.configMaps.objects.values()];
  world.configMaps.put({
    ...configMap!,
    data: { 'record.json': configMap!.data!['record.json']!.replace('"notBefore":0', '"notBefore":1') },
  });
  world.addIdentity('other');
  world.addPod('pod-2', 'other');
  term.poke();
  await world.clock.advance(30_000);
  expect(term.recordsNotSaved.map(({ kind }) => kind)).toEqual(['overtaken']);
  // The first intent was refused, so nothing was sent; the later PATCH has its own record.
  expect(world.writes.indexOf('PATCH')).toBeGreaterThan(1);
  expect(world.states()).toEqual(['pod-2: Assigned', 'pod: Assigned']);
  expect(recordOf(world).ours).toHaveLength(2);
});

test('a limit that was set between the plan and its turn applies', async () => {
  const { world, term } = await settledWorld();
  world.addIdentity('other');
  world.addPod('pod-2', 'other');
  term.poke();
  await world.clock.advance(100);
  term.memory.keep({ ...term.memory.facts(host.id)!, notBefore: world.clock.now() + 60_000 });
  await world.clock.advance(50_000);
  expect(world.writes).not.toContain('PATCH');
  await world.clock.advance(20_000);
  expect(world.writes).toContain('PATCH');
});

test('a host is read before it is changed: identities that it has already are Assigned without waiting for the rest', async () => {
  const world = createFakeWorld();
  world.addNode();
  world.addIdentity('there');
  world.addIdentity('missing');
  world.attached.set(idOf('there'), alive('there'));
  world.addPod('pod-1', 'there');
  world.addPod('pod-2', 'missing');
  const term = await world.startTerm();
  await world.clock.advance(200);
  expect(term.hosts.map(({ kind }) => kind)).toEqual(['read']);
  expect(world.states()).toEqual(['pod-1: Assigned']);
  await world.clock.advance(1_000);
  expect(world.states()).toEqual(['pod-1: Assigned', 'pod-2: Assigned']);
});

test('a host that is updating at the first read is retried later; identities that it has already are Assigned', async () => {
  const world = createFakeWorld();
  world.addNode();
  world.addIdentity('there');
  world.addIdentity('missing');
  world.attached.set(idOf('there'), alive('there'));
  world.azure.motion = { provisioningState: 'Updating' };
  world.addPod('pod-1', 'there');
  world.addPod('pod-2', 'missing');
  const term = await world.startTerm();
  await world.clock.advance(1_500);
  expect(term.hosts.map(({ kind }) => kind)).toEqual(['read']);
  expect(world.states()).toEqual(['pod-1: Assigned', 'pod-2: Created']);
  await world.clock.advance(2_000);
  expect(world.states()).toEqual(['pod-1: Assigned', 'pod-2: Assigned']);
});

test('a pod that comes during a turn that crashes has its identity seconds later', async () => {
  const world = createFakeWorld();
  world.addNode();
  world.addIdentity('app');
  const { crashes, poke } = await world.startTerm();
  const reading = Promise.withResolvers<undefined>();
  world.gates.reading = reading.promise;
  world.addPod('first', 'app');
  poke();
  await world.clock.advance(1_000);
  world.addPod('second', 'app');
  poke();
  await world.clock.advance(5 * recordAfterMs);
  delete world.gates.reading;
  reading.reject(new Error('bug'));
  await world.clock.advance(2_000);
  expect(crashes).toHaveLength(1);
  expect(world.states()).toEqual(['first: Assigned', 'second: Assigned']);
});
