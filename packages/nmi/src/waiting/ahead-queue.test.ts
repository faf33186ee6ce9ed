import type { Tenant } from '@pod-identity/kit/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createAheadQueue } from './ahead-queue.ts';

interface Item {
  readonly tenant: Tenant;
  readonly isAhead: boolean;
}

const stage = () => {
  const queue = createAheadQueue<Item>({ total: 256, perNamespace: 128, perPod: 32 });
  const add = (namespace: string, isAhead = false, pod = 'web') => {
    const item = { tenant: { namespace, pod }, isAhead };
    const added = isAhead ? queue.addAhead(item.tenant, item) : queue.add(item.tenant, item);
    expect(added).toEqual({ kind: 'added', displaced: undefined });
    return item;
  };
  const take = (mayServe?: (namespace: string) => boolean) => {
    const item = queue.next(mayServe);
    return item && `${item.tenant.namespace}${item.isAhead ? ' ahead' : ''}`;
  };
  return { queue, add, take };
};

it('items that were added ahead go first, and of each namespace one in each round of the others', () => {
  const { queue, add, take } = stage();
  for (let round = 0; round < 3; round += 1) {
    for (const namespace of ['a', 'b', 'c']) add(namespace);
    for (const namespace of ['h', 'i']) add(namespace, true);
  }
  expect(queue.size).toBe(15);
  const round = ['h ahead', 'i ahead', 'a', 'b', 'c'];
  expect(Array.from({ length: 4 }, take)).toEqual(round.slice(0, 4));
  expect(take()).toBe('c');
  // The next round begins with the second turn of a.
  expect(Array.from({ length: 5 }, take)).toEqual(['a', 'h ahead', 'i ahead', 'b', 'c']);
});

it('those of a namespace that had its turn are taken while no other one may be served', () => {
  const { add, take } = stage();
  for (let item = 0; item < 3; item += 1) add('h', true);
  add('a');
  const exceptA = (namespace: string) => namespace !== 'a';
  expect([take(exceptA), take(exceptA), take(), take(), take()]).toEqual([
    ...['h ahead', 'h ahead', 'a', 'h ahead', undefined],
  ]);
});

it('an item can be removed, however it was added', () => {
  const { queue, add, take } = stage();
  const items = [add('a'), add('a', true)];
  expect(items.map((item) => queue.remove(item))).toEqual([true, true]);
  expect(items.map((item) => queue.remove(item))).toEqual([false, false]);
  expect([queue.size, take()]).toEqual([0, undefined]);
});

it('attack: whatever others add ahead and take away, a namespace that waits has as many turns as each of them, both ways', () => {
  const step = fc.record({ of: fc.constantFrom('h', 'i', 'a'), isAhead: fc.boolean(), isTurn: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const { queue, add, take } = stage();
      const turns: string[] = [];
      add('victim');
      const added: Item[] = [];
      for (const { of, isAhead, isTurn } of steps) {
        if (added.length < 30) added.push(add(of, isAhead));
        if (!isTurn) continue;
        turns.push(take() ?? '');
        if (turns.at(-1) === 'victim') add('victim');
        for (const oldest of added.splice(0, added.length - 20)) queue.remove(oldest);
      }
      const counts = Object.entries(Object.groupBy(turns, (who) => who)).map(([who, all]) => [
        who,
        all?.length ?? 0,
      ]);
      const { victim = 0, ...others } = Object.fromEntries(counts) as Record<string, number>;
      for (const count of Object.values(others)) expect(count).toBeLessThanOrEqual(victim + 1);
    }),
  );
});
