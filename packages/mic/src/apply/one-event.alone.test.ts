// What the event of one pod with a new identity costs: plans of its host, and writes of the host's record.
import { expect, test, vi } from 'vitest';
import { planIdentities } from '../plan/host-changes.ts';
import { planHost } from '../plan/plan.ts';
import { serialiseRecord } from '../snapshot/facts/host-record.ts';
import { createFakeWorld } from './test/fake-world.ts';

vi.mock(import('../plan/plan.ts'), async (load) => {
  const plans = await load();
  return { ...plans, planHost: vi.fn(plans.planHost) };
});
vi.mock(import('../plan/host-changes.ts'), async (load) => {
  const changes = await load();
  return { ...changes, planIdentities: vi.fn(changes.planIdentities) };
});
vi.mock(import('../snapshot/facts/host-record.ts'), async (load) => {
  const record = await load();
  return { ...record, serialiseRecord: vi.fn(record.serialiseRecord) };
});

test('the event of a pod with a new identity costs one plan and one write of the record before its PATCH, and one of each after it', async () => {
  const world = createFakeWorld();
  world.addNode();
  for (const name of ['app', 'other']) world.addIdentity(name);
  world.addPod('first', 'app');
  const term = await world.startTerm();
  await world.clock.advance(10_000);
  const work = [planHost, planIdentities, serialiseRecord].map((one) =>
    vi.mocked<(...of: never[]) => unknown>(one),
  );
  for (const one of work) one.mockClear();
  const costs: unknown[] = [];
  world.onWrite((name) => void costs.push([name, ...work.map(({ mock }) => mock.calls.length)]));
  world.addPod('second', 'other');
  term.poke();
  await world.clock.advance(60_000);
  expect(world.states()).toEqual(['first: Assigned', 'second: Assigned']);
  expect(costs).toEqual([
    ['replace record', 1, 1, 1],
    ['PATCH', 1, 1, 1],
    ['replace record', 1, 1, 2],
    ['create assigned', 2, 2, 2],
  ]);
});
