import { createFairQueue, type Tenant } from '@pod-identity/kit/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createRounds, type SharingQueue } from './rounds.ts';

interface Item {
  readonly tenant: Tenant;
  readonly in: keyof typeof kinds;
}

const kinds = {
  ahead: { isAhead: true },
  plain: {},
  rated: { quota: {} },
  slow: { quota: {} },
};
type Name = keyof typeof kinds;
const names = ['ahead', 'plain', 'rated', 'slow'] as const;

const stage = () => {
  const limits = { total: 512, perNamespace: 256, perPod: 256 };
  const laneOf = (name: Name): SharingQueue<Item> => ({
    ...kinds[name],
    queue: createFairQueue<Item>(limits),
  });
  const lanes = {
    ahead: laneOf('ahead'),
    plain: laneOf('plain'),
    rated: laneOf('rated'),
    slow: laneOf('slow'),
  };
  const rounds = createRounds<Item, SharingQueue<Item>>(Object.values(lanes));
  const add = (namespace: string, name: Name = 'plain') => {
    const item = { tenant: { namespace, pod: 'web' }, in: name };
    expect(rounds.add(lanes[name], item)).toEqual({ kind: 'added', displaced: undefined });
    return item;
  };
  const take = (mayServe: (name: Name, namespace: string) => boolean = () => true) => {
    const nameOf = (lane: SharingQueue<Item>) => names.find((name) => lanes[name] === lane) ?? 'plain';
    const item = rounds.next((lane, namespace) => mayServe(nameOf(lane), namespace))?.item;
    return item && `${item.tenant.namespace} ${item.in}`;
  };
  const remove = (item: Item) => lanes[item.in].queue.remove(item);
  return { add, take, remove };
};

it('a namespace has one turn in each round, however many queues it waits in, and these take turns', () => {
  const { add, take } = stage();
  for (let round = 0; round < 3; round += 1) {
    for (const name of ['plain', 'rated', 'slow'] as const) add('h', name);
    add('v');
  }
  expect(Array.from({ length: 7 }, () => take())).toEqual([
    ...['h plain', 'v plain', 'h rated', 'v plain', 'h slow', 'v plain', 'h plain'],
  ]);
});

it('one that waits in a queue that is ahead goes first, once in a round, and has had its next turn then', () => {
  const { add, take } = stage();
  for (let round = 0; round < 3; round += 1) {
    for (const namespace of ['a', 'b']) add(namespace);
    add('h', 'ahead');
  }
  const turns = Array.from({ length: 9 }, () => take());
  expect(turns.slice(0, 4)).toEqual(['h ahead', 'h ahead', 'a plain', 'b plain']);
  expect(turns.slice(4)).toEqual(['h ahead', 'a plain', 'b plain', 'a plain', 'b plain']);
});

it('attack: one that adds items ahead without end keeps its own others waiting for one of them at most', () => {
  const { add, take } = stage();
  for (let item = 0; item < 8; item += 1) add('a', 'ahead');
  for (const name of ['plain', 'slow'] as const) add('a', name);
  expect(Array.from({ length: 5 }, () => take())).toEqual([
    ...['a ahead', 'a plain', 'a ahead', 'a slow', 'a ahead'],
  ]);
});

it('one that has had its turn is served while no other one may be', () => {
  const { add, take } = stage();
  for (let item = 0; item < 3; item += 1) add('h', 'ahead');
  add('a');
  const exceptA = (_: Name, namespace: string) => namespace !== 'a';
  expect([take(exceptA), take(exceptA), take(), take(), take()]).toEqual([
    ...['h ahead', 'h ahead', 'a plain', 'h ahead', undefined],
  ]);
});

it('attack: one that adds items ahead and waits for nothing in between has as many turns as one that waits', () => {
  const { add, take } = stage();
  const turns: (string | undefined)[] = [];
  for (let round = 0; round < 10; round += 1) {
    for (let item = 0; item < 3; item += 1) add('v');
    if (turns.filter((turn) => turn === 'h ahead').length === 2 * round)
      for (let item = 0; item < 2; item += 1) add('h', 'ahead');
    for (let turn = 0; turn < 3; turn += 1) turns.push(take());
  }
  const count = (who: string) => turns.filter((turn) => turn === who).length;
  expect(count('h ahead')).toBeLessThanOrEqual(count('v plain') + 2);
});

it('attack: one that waits in two queues with a quota has as many turns in all as one that waits in another queue', () => {
  const { add, take } = stage();
  const turns: (string | undefined)[] = [];
  for (let turn = 0; turn < 60; turn += 1) {
    for (const name of ['rated', 'slow'] as const) add('h', name);
    add('i', 'rated');
    add('j', 'slow');
    add('v');
    turns.push(take()?.replace(/ .*/, ''));
  }
  const count = (who: string) => turns.filter((turn) => turn === who).length;
  expect(count('h')).toBeLessThanOrEqual(count('v') + 4);
});

it('an item that was removed has no turn', () => {
  const { add, take, remove } = stage();
  const items = [add('a'), add('a', 'ahead')];
  expect(items.map(remove)).toEqual([true, true]);
  expect(items.map(remove)).toEqual([false, false]);
  expect(take()).toBeUndefined();
});

it('attack: one that waits only in a queue with a quota leaves half of it to one that has turns for others', () => {
  const { add, take } = stage();
  const rated: (string | undefined)[] = [];
  for (let turn = 0, usedAt = -3; turn < 90; turn += 1) {
    add('h', 'rated');
    for (const name of ['rated', 'ahead', 'plain'] as const) add('v', name);
    // The quota allows one in three turns.
    const one = take((name) => name !== 'rated' || turn >= usedAt + 3);
    if (!one?.endsWith('rated')) continue;
    rated.push(one);
    usedAt = turn;
  }
  const count = (who: string) => rated.filter((one) => one === `${who} rated`).length;
  expect(rated.length).toBeGreaterThanOrEqual(20);
  expect(Math.abs(count('h') - count('v'))).toBeLessThanOrEqual(1);
});

const step = fc.record({
  of: fc.constantFrom('h', 'i', 'a'),
  in: fc.constantFrom(...names),
  isTurn: fc.boolean(),
});
const steps = fc.array(step, { maxLength: 200, size: 'max' });

it('attack: whatever others have added in any queue, one that comes waits for three turns of each at most', () => {
  fc.assert(
    fc.property(steps, fc.constantFrom(...names), (before, waitsIn) => {
      const { add, take } = stage();
      for (const { of, in: name, isTurn } of before) {
        add(of, name);
        if (isTurn) take();
      }
      add('victim', waitsIn);
      const turns = Array.from({ length: 10 }, () => take());
      expect(turns).toContain(`victim ${waitsIn}`);
    }),
  );
});

it('attack: whatever others add in any queue and take away, one that waits in one of them has as many turns as each', () => {
  fc.assert(
    fc.property(steps, fc.constantFrom(...names), (all, waitsIn) => {
      const { add, take, remove } = stage();
      const turns: string[] = [];
      add('victim', waitsIn);
      const added: Item[] = [];
      for (const { of, in: name, isTurn } of all) {
        if (added.length < 30) added.push(add(of, name));
        if (!isTurn) continue;
        turns.push(take()?.replace(/ .*/, '') ?? '');
        if (turns.at(-1) === 'victim') add('victim', waitsIn);
        for (const oldest of added.splice(0, added.length - 20)) remove(oldest);
      }
      const count = (who: string) => turns.filter((one) => one === who).length;
      // One of this round, and what may be in advance.
      for (const who of ['h', 'i', 'a']) expect(count(who)).toBeLessThanOrEqual(count('victim') + 4);
    }),
  );
});
