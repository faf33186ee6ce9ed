import { expect, test } from 'vitest';
import { facts, hostOf, idOf, instanceOf, now } from '../plan/test/builders.ts';
import { createHostMemory } from './memory.ts';

const host = hostOf(instanceOf('vmss1'));
const other = hostOf(instanceOf('vmss2'));
const foreign = hostOf(instanceOf('vmss3').replace('/S1/', '/S2/'));

test('a limit of the subscription applies to hosts that are added later, and to no other subscription', () => {
  const memory = createHostMemory();
  memory.holdSubscription(host.id, now + 60_000);
  expect(memory.factsFromStart(other).notBefore).toBe(now + 60_000);
  expect(memory.factsFromStart(foreign).notBefore).toBe(0);
});

test('a shorter limit after a longer one does not end it', () => {
  const memory = createHostMemory();
  memory.keep(facts(host));
  memory.holdSubscription(host.id, now + 60_000);
  memory.holdSubscription(host.id, now + 10_000);
  memory.holdSubscription(other.id, now + 20_000);
  expect([memory.facts(host.id)?.notBefore, memory.factsFromStart(other).notBefore]).toEqual([
    now + 60_000,
    now + 60_000,
  ]);
});

test('a removed host starts with default facts', () => {
  const memory = createHostMemory();
  memory.keep(facts(host, ['a']));
  memory.forget(host.id);
  expect(memory.facts(host.id)).toBeUndefined();
  expect(memory.factsFromStart(host).present).toBeUndefined();
});

const change = { attach: [idOf('a')], again: [idOf('b')], renew: [idOf('c')], detach: [idOf('d')] };

test('identities being detached are kept per host until they are detached', () => {
  const memory = createHostMemory();
  const end = memory.begin(host.id, change);
  expect([[...memory.leaving(host.id)], [...memory.leaving(other.id)]]).toEqual([[idOf('d')], []]);
  end();
  expect([...memory.leaving(host.id)]).toEqual([]);
});

test('a change is under way for its own identities alone, and a reading for all', () => {
  const memory = createHostMemory();
  const isUnderWay = (...names: string[]) => memory.isUnderWay(host.id, names.map(idOf));
  expect(isUnderWay('a')).toBe(false);
  const end = memory.begin(host.id, change);
  expect([isUnderWay('a', 'b', 'c', 'd'), isUnderWay('a', 'e'), isUnderWay('e')]).toEqual([
    true,
    false,
    false,
  ]);
  expect(memory.isUnderWay(other.id, [idOf('a')])).toBe(false);
  end();
  memory.begin(host.id, 'reading');
  expect(isUnderWay('a', 'e')).toBe(true);
});
