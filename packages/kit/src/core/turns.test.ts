import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Tenant } from './fair-queue.ts';
import { Turns } from './turns.ts';

interface Item {
  readonly tenant: Tenant;
  readonly in: keyof typeof kinds;
}

const limits = { total: 512, perNamespace: 256, perPod: 256 };
const kinds = {
  ahead: { limits, isAhead: true },
  plain: { limits },
  rated: { limits, hasQuota: true },
  slow: { limits, hasQuota: true },
};
type Name = keyof typeof kinds;
const names = ['ahead', 'plain', 'rated', 'slow'] as const;

const stage = () => {
  const turns = new Turns<Item, Name>(kinds);
  const add = (namespace: string, name: Name = 'plain') => {
    const item = { tenant: { namespace, pod: 'web' }, in: name };
    expect(turns.add(name, item.tenant, item)).toEqual({ kind: 'added', displaced: undefined });
    return item;
  };
  const take = (mayServe?: (name: Name, namespace: string) => boolean) => {
    const turn = turns.next(mayServe && ((namespace, name) => mayServe(name, namespace)));
    return turn && `${turn.item.tenant.namespace} ${turn.item.in}`;
  };
  const remove = (item: Item) => turns.remove(item);
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

const simple = { total: 24, perNamespace: 8, perPod: 4 };
const of = (namespace: string, pod = 'a'): Tenant => ({ namespace, pod });
const itemOf = (namespace: string, pod?: string): Item => ({ tenant: of(namespace, pod), in: 'plain' });

it('namespaces take turns, in each of them its pods, and the items of a pod come in their order', () => {
  const turns = new Turns<{ name: string }, 'only'>({ only: {} });
  for (const name of ['a1', 'a2', 'a3']) turns.add('only', of('noisy', 'a'), { name });
  turns.add('only', of('noisy', 'b'), { name: 'b1' });
  for (const name of ['q1', 'q2']) turns.add('only', of('quiet'), { name });
  const order = Array.from({ length: 7 }, () => turns.next()?.item.name);
  expect(order).toEqual(['a1', 'q1', 'b1', 'q2', 'a2', 'a3', undefined]);
});

it('in a round namespaces are served in the order in which they came, whatever they wait for', () => {
  const { add, take } = stage();
  for (const [namespace, name] of [
    ['a', 'slow'],
    ['b', 'plain'],
    ['c', 'rated'],
    ['d', 'plain'],
  ] as const)
    add(namespace, name);
  expect(Array.from({ length: 4 }, () => take())).toEqual(['a slow', 'b plain', 'c rated', 'd plain']);
});

it('a namespace that may not be served now keeps its turn, and one that waits for a closed kind too', () => {
  const turns = new Turns<Item, 'one' | 'other'>({ one: {}, other: {} });
  turns.add('one', of('busy'), itemOf('busy'));
  turns.add('other', of('closed'), itemOf('closed'));
  turns.add('one', of('free'), itemOf('free'));
  const next = (open: readonly ('one' | 'other')[]) =>
    turns.next((namespace) => namespace !== 'busy', open)?.namespace;
  expect([next(['one']), next(['one']), turns.next()?.namespace, turns.next()?.namespace]).toEqual([
    ...['free', undefined, 'busy', 'closed'],
  ]);
});

it('attack: thousands of namespaces that wait for a closed kind cost a turn of another nothing', () => {
  const turns = new Turns<Item, 'closed' | 'open'>({ closed: { hasQuota: true }, open: {} });
  for (let count = 0; count < 5_000; count += 1) {
    const item = itemOf(`namespace-${count}`);
    turns.add('closed', item.tenant, item);
    turns.add('open', item.tenant, { ...item });
  }
  let looks = 0;
  const mayServe = (namespace: string) => {
    looks += 1;
    return namespace !== 'namespace-0';
  };
  for (let turn = 1; turn < 5_000; turn += 1)
    expect(turns.next(mayServe, ['open'])?.namespace).toBe(`namespace-${turn}`);
  expect(looks).toBeLessThanOrEqual(4 * 5_000);
});

type Move =
  | { readonly kind: 'add'; readonly in: Name; readonly namespace: number; readonly pod: number }
  | { readonly kind: 'remove'; readonly index: number }
  | { readonly kind: 'next'; readonly open: readonly Name[] };

const hostile = 20;
const moves = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('add' as const),
        in: fc.constantFrom(...names),
        namespace: fc.nat(hostile - 1),
        pod: fc.nat(9),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), index: fc.nat(20) }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('next' as const), open: fc.subarray([...names]) }),
    },
  ),
  { maxLength: 160, size: 'max' },
);

const smallKinds = {
  ahead: { limits: simple, isAhead: true },
  plain: { limits: simple },
  rated: { limits: simple, hasQuota: true },
  slow: {},
};

/** Makes moves, and knows what must wait after them. */
class Scene {
  readonly turns = new Turns<Item, Name>(smallKinds);
  readonly inside = new Set<Item>();

  make(move: Move): void {
    if (move.kind === 'add') this.#add(move);
    else if (move.kind === 'remove') this.#remove([...this.inside][move.index]);
    else this.#next(move.open);
    expect(this.turns.size()).toBe(this.inside.size);
  }

  #add({ in: name, namespace, pod }: Extract<Move, { readonly kind: 'add' }>): void {
    const item = { tenant: of(`hostile-${namespace}`, `pod-${pod}`), in: name };
    const outcome = this.turns.add(name, item.tenant, item);
    if (outcome.kind === 'full') return;
    this.inside.add(item);
    if (outcome.displaced) expect(this.inside.delete(outcome.displaced)).toBe(true);
  }

  #remove(item: Item | undefined): void {
    if (!item) return;
    expect([this.turns.remove(item), this.turns.remove(item)]).toEqual([true, false]);
    this.inside.delete(item);
  }

  #next(open: readonly Name[]): void {
    const turn = this.turns.next(undefined, open);
    expect(turn !== undefined).toBe([...this.inside].some((item) => open.includes(item.in)));
    if (!turn) return;
    expect([turn.kind, turn.namespace]).toEqual([turn.item.in, turn.item.tenant.namespace]);
    expect(this.inside.delete(turn.item)).toBe(true);
  }
}

it('no history exceeds a limit of a kind, and every item leaves once: served, removed or displaced', () => {
  const countOf = (all: ReadonlySet<Item>, is: (item: Item) => boolean) => [...all].filter(is).length;
  fc.assert(
    fc.property(moves, (all) => {
      const scene = new Scene();
      for (const move of all) {
        scene.make(move);
        if (move.kind !== 'add' || move.in === 'slow') continue;
        const { namespace, pod } = of(`hostile-${move.namespace}`, `pod-${move.pod}`);
        const same = new Set([...scene.inside].filter((item) => item.in === move.in));
        expect(same.size).toBeLessThanOrEqual(simple.total);
        const ofNamespace = (item: Item) => item.tenant.namespace === namespace;
        expect(countOf(same, ofNamespace)).toBeLessThanOrEqual(simple.perNamespace);
        const ofPod = (item: Item) => ofNamespace(item) && item.tenant.pod === pod;
        expect(countOf(same, ofPod)).toBeLessThanOrEqual(simple.perPod);
      }
    }),
    { numRuns: 300 },
  );
});

it('attack: whatever 20 namespaces did before, one that comes waits for three turns of each that waits at most', () => {
  fc.assert(
    fc.property(moves, fc.constantFrom(...names), (before, name) => {
      const scene = new Scene();
      for (const move of before) scene.make(move);
      const others = new Set([...scene.inside].map(({ tenant }) => tenant.namespace));
      const victim = { tenant: of('victim'), in: name };
      expect(scene.turns.add(name, victim.tenant, victim).kind).toBe('added');
      let waited = 0;
      while (scene.turns.next()?.item !== victim) waited += 1;
      expect(waited).toBeLessThanOrEqual(3 * others.size);
    }),
    { numRuns: 300 },
  );
});

it('no sequence of hostile arrivals delays the first item of another namespace by more than one turn of each namespace', () => {
  const plain = moves.map((all) => all.map((move) => ({ ...move, in: 'plain' as const, open: names })));
  fc.assert(
    fc.property(plain, fc.array(plain, { maxLength: 12 }), (before, between) => {
      const scene = new Scene();
      for (const move of before) scene.make(move);
      const victim = { tenant: of('victim'), in: 'plain' as const };
      expect(scene.turns.add('plain', victim.tenant, victim).kind).toBe('added');
      scene.inside.clear();
      const turns: string[] = [];
      while (turns.at(-1) !== 'victim') {
        // Others act in between; turns are counted.
        for (const move of between[turns.length] ?? [])
          if (move.kind === 'add')
            scene.turns.add('plain', of(`hostile-${move.namespace}`, `pod-${move.pod}`), { ...victim });
        turns.push(scene.turns.next()?.namespace ?? 'nobody');
      }
      expect(new Set(turns).size).toBe(turns.length);
    }),
    { numRuns: 300 },
  );
});
