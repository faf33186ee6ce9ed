// What one event costs: plans of its host, writes of the host's record, hashed names.
import { distinctAssignedIdentityName } from '@pod-identity/crd-types';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { planAzure, planHost } from '../plan/plan.ts';
import { serialiseRecord } from '../snapshot/facts/host-record.ts';
import { createFakeWorld, recordAfterMs, type FakeWorld } from './test/fake-world.ts';

vi.mock(import('../plan/plan.ts'), async (load) => {
  const plans = await load();
  return { ...plans, planHost: vi.fn(plans.planHost), planAzure: vi.fn(plans.planAzure) };
});
vi.mock(import('../snapshot/facts/host-record.ts'), async (load) => {
  const record = await load();
  return { ...record, serialiseRecord: vi.fn(record.serialiseRecord) };
});
vi.mock(import('@pod-identity/crd-types'), async (load) => {
  const types = await load();
  return { ...types, distinctAssignedIdentityName: vi.fn(types.distinctAssignedIdentityName) };
});

const work = {
  plans: planHost,
  turns: planAzure,
  saves: serialiseRecord,
  hashes: distinctAssignedIdentityName,
};
const mocks = Object.entries(work).map(
  ([name, one]) => [name, vi.mocked<(...of: never[]) => unknown>(one)] as const,
);
/** Calls since the last count; what is 0 is left out. */
const counted = () => {
  const counts = mocks.map(([name, { mock }]) => [name, mock.calls.length] as const);
  for (const [, one] of mocks) one.mockClear();
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
};

type Cost = readonly [string, Readonly<Record<string, number>>];

/** The cost until each write, and from the last one to the end. */
async function costsOf(world: FakeWorld, ms: number): Promise<Cost[]> {
  const costs: Cost[] = [];
  world.onWrite((name) => void costs.push([name, counted()]));
  counted();
  await world.clock.advance(ms);
  costs.push(['end', counted()]);
  return costs;
}

const rules = { detachGraceMs: 5_000, driftPeriodMs: 3_600_000 };

type Mode = 'namespace' | 'rbac';
let right = Promise.resolve(true);
const reviewer = { review: () => right };
beforeEach(() => void (right = Promise.resolve(true)));

async function start(mode: Mode = 'namespace'): Promise<{ world: FakeWorld; poke: () => void }> {
  const world = createFakeWorld({ rules, ...(mode === 'rbac' && { reviewer }) });
  world.addNode();
  for (const name of ['app', 'other']) world.addIdentity(name);
  const { poke } = await world.startTerm();
  return { world, poke };
}

/** Until the PATCH and from it. */
const before = [
  ['replace record', { plans: 1, turns: 1, saves: 1 }],
  ['PATCH', {}],
] as const;

describe.each<Mode>(['namespace', 'rbac'])('in mode %s, on a host with one pod', (mode) => {
  let world: FakeWorld;
  let poke: () => void;
  beforeEach(async () => {
    ({ world, poke } = await start(mode));
    world.addPod('first', 'app');
    poke();
    await world.clock.advance(60_000);
  });
  const event = (change: () => void) => {
    change();
    poke();
    return costsOf(world, 60_000);
  };

  test('a pod whose identity is on the host costs one plan', async () => {
    expect(await event(() => world.addPod('second', 'app'))).toEqual([
      ['create assigned', { plans: 1 }],
      ['end', {}],
    ]);
  });

  test('a pod with a new identity costs one plan and one write of the record before its PATCH, and one of each after it', async () => {
    expect(await event(() => world.addPod('second', 'other'))).toEqual([
      ...before,
      ['replace record', { saves: 1 }],
      ['create assigned', { plans: 1 }],
      ['end', {}],
    ]);
    expect(world.states()).toEqual(['first: Assigned', 'second: Assigned']);
  });

  test('a PATCH that takes longer costs one plan more, with the object that says that the pod waits', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    world.gates.hold = promise;
    world.clock.after(5 * recordAfterMs, () => resolve(undefined));
    expect(await event(() => world.addPod('second', 'other'))).toEqual([
      ...before,
      ['create assigned', { plans: 1 }],
      ['replace record', { saves: 1 }],
      ['patch assigned', { plans: 1 }],
      ['end', {}],
    ]);
  });

  test('a pod with an identity that is being attached costs no further turn in Azure', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    world.gates.hold = promise;
    world.addPod('second', 'other');
    poke();
    await world.clock.advance(recordAfterMs / 2);
    world.clock.after(recordAfterMs / 4, () => resolve(undefined));
    expect(await event(() => world.addPod('third', 'other'))).toEqual([
      ['replace record', { plans: 1, saves: 1 }],
      ['create assigned', { plans: 1 }],
      ['create assigned', {}],
      ['end', {}],
    ]);
  });

  test('a pod that is gone costs one plan, and the last one with its identity one more before its detachment and one after it', async () => {
    await event(() => world.addPod('second', 'app'));
    expect(await event(() => world.removePod('second'))).toEqual([
      ['delete assigned', { plans: 1 }],
      ['end', {}],
    ]);
    expect(await event(() => world.removePod('first'))).toEqual([
      ['delete assigned', { plans: 1 }],
      ...before,
      // The host has nothing of MIC's any more.
      ['delete record', {}],
      ['end', { plans: 1 }],
    ]);
    expect([...world.attached.keys()]).toEqual([]);
  });

  test('a name is hashed only if another pod has it, once in each plan', async () => {
    await event(() => world.addIdentity('shop-app'));
    // Both would be called x-shop-shop-app.
    expect(await event(() => world.addPod('x-shop', 'app'))).toEqual([
      ['create assigned', { plans: 1 }],
      ['end', {}],
    ]);
    expect(await event(() => world.addPod('x', 'shop-app'))).toEqual([
      ['replace record', { plans: 1, turns: 1, saves: 1, hashes: 1 }],
      ['PATCH', {}],
      ['replace record', { saves: 1 }],
      ['create assigned', { plans: 1, hashes: 1 }],
      ['end', {}],
    ]);
  });
});

test('the first pod of a host costs one plan and one turn in Azure more, to read the host', async () => {
  const { world, poke } = await start();
  world.addPod('first', 'app');
  poke();
  expect(await costsOf(world, 60_000)).toEqual([
    ['create record', { plans: 2, turns: 2, saves: 1 }],
    ['PATCH', {}],
    ['replace record', { saves: 1 }],
    ['create assigned', { plans: 1 }],
    ['end', {}],
  ]);
});

test('pods that come while their host is read share its first PATCH', async () => {
  const { world, poke } = await start();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  world.gates.reading = promise;
  world.addPod('first', 'app');
  poke();
  await world.clock.advance(1_000);
  world.addPod('second', 'app');
  poke();
  await world.clock.advance(1_000);
  resolve(undefined);
  await world.clock.advance(100);
  world.addPod('third', 'other');
  poke();
  await world.clock.advance(60_000);
  expect(world.states()).toEqual(['first: Assigned', 'second: Assigned', 'third: Assigned']);
  expect(world.writes.filter((name) => name === 'PATCH')).toEqual(['PATCH']);
});

test('in mode rbac, a review that takes longer than the pod waits for its plan costs one plan more', async () => {
  const { world, poke } = await start('rbac');
  world.addPod('first', 'app');
  poke();
  await world.clock.advance(60_000);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  right = promise;
  world.addPod('second', 'other');
  poke();
  expect(await costsOf(world, 60_000)).toEqual([['end', { plans: 1 }]]);
  resolve(true);
  expect(await costsOf(world, 60_000)).toEqual([
    ...before,
    ['replace record', { saves: 1 }],
    ['create assigned', { plans: 1 }],
    ['end', {}],
  ]);
});

test('in mode rbac, a pod whose right is refused costs one plan, however often it is reviewed', async () => {
  right = Promise.resolve(false);
  const { world, poke } = await start('rbac');
  world.addPod('first', 'app');
  poke();
  expect(await costsOf(world, 3_600_000)).toEqual([['end', { plans: 1 }]]);
});
