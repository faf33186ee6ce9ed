import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFairQueue, type FairQueue, type Tenant } from './fair-queue.ts';

interface Item {
  readonly name: string;
}
const limits = { total: 12, perNamespace: 8, perPod: 4 };
const of = (namespace: string, pod = 'a'): Tenant => ({ namespace, pod });
const item = (name: string): Item => ({ name });
const drain = (queue: FairQueue<Item>) => {
  const names: string[] = [];
  for (let next = queue.next(); next; next = queue.next()) names.push(next.name);
  return names;
};

describe('a fair queue', () => {
  it('serves namespaces in turn, in each of them its pods, and the items of a pod in their order', () => {
    const queue = createFairQueue<Item>(limits);
    for (const name of ['a1', 'a2', 'a3']) queue.add(of('noisy', 'a'), item(name));
    queue.add(of('noisy', 'b'), item('b1'));
    for (const name of ['q1', 'q2']) queue.add(of('quiet'), item(name));
    expect(drain(queue)).toEqual(['a1', 'q1', 'b1', 'q2', 'a2', 'a3']);
  });

  it('skips a namespace that may not be served now, which keeps its turn', () => {
    const queue = createFairQueue<Item>(limits);
    queue.add(of('busy'), item('busy'));
    queue.add(of('free'), item('free'));
    expect(queue.next((namespace) => namespace !== 'busy')?.name).toBe('free');
    expect(queue.next((namespace) => namespace !== 'busy')).toBeUndefined();
    expect(queue.next()?.name).toBe('busy');
  });

  it('limits a pod and a namespace', () => {
    const queue = createFairQueue<Item>(limits);
    const add = (pod: string) => queue.add(of('noisy', pod), item(pod)).kind;
    const kinds = Array.from({ length: 6 }, () => add('a'));
    expect(kinds).toEqual(['added', 'added', 'added', 'added', 'full', 'full']);
    for (let index = 0; index < 20; index += 1) add(`pod-${index}`);
    expect(queue.size).toBe(limits.perNamespace);
  });

  it('at the limit of a namespace, a pod with at least two items less displaces the newest item of the pod with most', () => {
    const queue = createFairQueue<Item>({ ...limits, perNamespace: 4 });
    for (const name of ['a1', 'a2', 'a3', 'a4']) queue.add(of('one', 'a'), item(name));
    expect(queue.add(of('one', 'b'), item('b1'))).toMatchObject({ displaced: { name: 'a4' } });
    expect(drain(queue)).toEqual(['a1', 'b1', 'a2', 'a3']);
  });

  it('when the queue is full, a namespace with at least two items less displaces the newest item of the namespace with most', () => {
    const queue = createFairQueue<Item>({ total: 4, perNamespace: 4, perPod: 4 });
    for (const name of ['a1', 'a2', 'a3', 'a4']) queue.add(of('noisy'), item(name));
    expect(queue.add(of('quiet'), item('q1'))).toMatchObject({ displaced: { name: 'a4' } });
    expect(queue.add(of('quiet'), item('q2'))).toMatchObject({ kind: 'added' });
    expect(queue.add(of('quiet'), item('q3'))).toEqual({ kind: 'full' });
    expect(drain(queue)).toEqual(['a1', 'q1', 'a2', 'q2']);
  });

  it('an item is removed once', () => {
    const queue = createFairQueue<Item>(limits);
    const one = item('one');
    queue.add(of('a'), one);
    expect([queue.remove(one), queue.remove(one), queue.size]).toEqual([true, false, 0]);
    expect(queue.next()).toBeUndefined();
  });
});

type Move =
  | { readonly kind: 'add'; readonly namespace: number; readonly pod: number }
  | { readonly kind: 'remove'; readonly index: number }
  | { readonly kind: 'next' };

const hostileNamespaces = 3;
const moves = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('add' as const),
        namespace: fc.nat(hostileNamespaces - 1),
        pod: fc.nat(9),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), index: fc.nat(20) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('next' as const) }) },
  ),
  { maxLength: 80, size: 'max' },
);

const play = (queue: FairQueue<Item>, all: readonly Move[], added: Item[]) => {
  for (const move of all) {
    if (move.kind === 'next') queue.next();
    else if (move.kind === 'remove') queue.remove(added[move.index] ?? item('none'));
    else {
      const one = item('hostile');
      added.push(one);
      queue.add(of(`hostile-${move.namespace}`, `pod-${move.pod}`), one);
    }
  }
};

it('no sequence of hostile arrivals delays the first caller of another namespace by more than one turn of each namespace', () => {
  fc.assert(
    fc.property(moves, fc.array(moves, { maxLength: 12 }), (before, between) => {
      const queue = createFairQueue<Item>(limits);
      const added: Item[] = [];
      play(queue, before, added);
      const victim = item('victim');
      expect(queue.add(of('victim'), victim).kind).toBe('added');
      let turns = 0;
      for (const hostile of [...between, ...Array.from({ length: hostileNamespaces + 1 }, () => [])]) {
        // Hostile callers act in between; turns are counted.
        play(
          queue,
          hostile.filter(({ kind }) => kind !== 'next'),
          added,
        );
        turns += 1;
        if (queue.next() === victim) break;
      }
      expect(turns).toBeLessThanOrEqual(hostileNamespaces + 1);
      expect(queue.remove(victim)).toBe(false);
    }),
    { numRuns: 500 },
  );
});

const step = (queue: FairQueue<Item>, move: Move, inside: Map<Item, Tenant>) => {
  if (move.kind === 'add') {
    const one = item('one');
    const tenant = of(`hostile-${move.namespace}`, `pod-${move.pod}`);
    const outcome = queue.add(tenant, one);
    if (outcome.kind === 'full') return;
    inside.set(one, tenant);
    if (outcome.displaced) expect(inside.delete(outcome.displaced)).toBe(true);
    return;
  }
  const one = move.kind === 'next' ? queue.next() : [...inside.keys()][move.index];
  if (move.kind === 'remove' && one) expect(queue.remove(one)).toBe(true);
  if (one) expect(inside.delete(one)).toBe(true);
};

const expectWithinShares = (tenants: readonly Tenant[]) => {
  for (const tenant of tenants) {
    const same = tenants.filter((other) => other.namespace === tenant.namespace);
    expect(same.length).toBeLessThanOrEqual(limits.perNamespace);
    expect(same.filter((other) => other.pod === tenant.pod).length).toBeLessThanOrEqual(limits.perPod);
  }
};

it('no sequence exceeds a limit, and every added item leaves once: served, removed or displaced', () => {
  fc.assert(
    fc.property(moves, (all) => {
      const queue = createFairQueue<Item>(limits);
      const inside = new Map<Item, Tenant>();
      for (const move of all) {
        step(queue, move, inside);
        expect(queue.size).toBe(inside.size);
        expectWithinShares([...inside.values()]);
        expect(inside.size).toBeLessThanOrEqual(limits.total);
      }
    }),
    { numRuns: 300 },
  );
});
