import type { NamesReview } from '@pod-identity/policy';
import type { AccessTarget } from '@pod-identity/crd-types';

import { describe, expect, it, test } from 'vitest';
import { PairRegistry, type Holder, type Pair } from './pair-registry.ts';

const allowed: NamesReview = { kind: 'allowed', level: 0 };
const refused: NamesReview = { kind: 'refused' };
const at = (now: number) => ({ now, chance: 1 });

const target = (name: string): AccessTarget => ({ resource: 'managedidentities', names: [name, 'group'] });
const holderOf = (subject: string, ...names: readonly string[]): Holder => {
  const [namespace = '', name = ''] = subject.split('/');
  return { subject: { namespace, name }, targets: names.map(target) };
};
const bookOf = (pairsPerNamespace = 100) => new PairRegistry({ pairsPerNamespace, recheckMs: 300_000 });
const nameOf = (pair: Pair | undefined) =>
  pair && `${pair.subject.namespace}/${pair.subject.name} ${pair.target.names[0]}`;

function takeAll(registry: PairRegistry, now = 0): Pair[] {
  const pairs: Pair[] = [];
  for (let pair = registry.next(now); pair; pair = registry.next(now)) pairs.push(pair);
  return pairs;
}
const answerAll = (registry: PairRegistry, result: NamesReview, now = 0) =>
  takeAll(registry, now).flatMap((pair) => registry.record(pair, result, at(now)));

describe('a pair', () => {
  it('is asked as soon as it is held, and once for all its holders', () => {
    const registry = bookOf();
    expect([registry.nextAt, registry.next(0)]).toEqual([undefined, undefined]);
    const [one, other] = [holderOf('shop/web', 'a', 'b'), holderOf('shop/web', 'b')];
    registry.hold(one);
    registry.hold(other);
    expect(registry.nextAt).toBe(0);
    expect(takeAll(registry).map(nameOf)).toEqual(['shop/web a', 'shop/web b']);
    expect(registry.next(0)).toBeUndefined();
  });

  it('names all its holders when its verdict changes, and nobody when it stays', () => {
    const registry = bookOf();
    const [one, other] = [holderOf('shop/web', 'a'), holderOf('shop/web', 'a', 'b')];
    registry.hold(one);
    registry.hold(other);
    expect(registry.verdict(one, target('a'))).toBe('unknown');
    const [pair] = takeAll(registry);
    expect(registry.record(pair!, allowed, at(0))).toEqual([one, other]);
    expect([registry.verdict(one, target('a')), registry.verdict(other, target('b'))]).toEqual([
      'allowed',
      'unknown',
    ]);
    expect(answerAll(registry, allowed, 300_000)).toEqual([]);
    expect(answerAll(registry, refused, 700_000)).toEqual([]);
    expect(answerAll(registry, refused, 800_000)).toEqual([one, other]);
    expect(registry.verdict(one, target('a'))).toBe('denied');
  });

  it('has its verdict read without its long names, however many holders an answer makes look again', () => {
    const registry = bookOf();
    let reads = 0;
    const one: AccessTarget = {
      resource: 'managedidentities',
      get names() {
        reads += 1;
        return ['a', 'group'] as const;
      },
    };
    const holder: Holder = { ...holderOf('shop/web'), targets: [one] };
    registry.hold(holder);
    answerAll(registry, allowed);
    const before = reads;
    expect([registry.verdict(holder, one), registry.verdict(holder, target('a'))]).toEqual([
      'allowed',
      'allowed',
    ]);
    registry.release(holder);
    expect([registry.verdict(holder, one), reads]).toEqual(['unknown', before]);
  });

  it('is asked again when it is due, and not while it is being asked', () => {
    const registry = bookOf();
    registry.hold(holderOf('shop/web', 'a'));
    const [pair] = takeAll(registry);
    expect(registry.nextAt).toBeUndefined();
    registry.record(pair!, allowed, at(0));
    expect(registry.nextAt).toBe(300_000);
    expect([registry.next(299_999), nameOf(registry.next(300_000))]).toEqual([undefined, 'shop/web a']);
  });

  it('is forgotten with its last holder, and its answer then says nothing', () => {
    const registry = bookOf();
    const [one, other] = [holderOf('shop/web', 'a'), holderOf('shop/web', 'a')];
    registry.hold(one);
    registry.hold(other);
    const [pair] = takeAll(registry);
    registry.release(one);
    expect(registry.record(pair!, allowed, at(0))).toEqual([other]);
    const [again] = takeAll(registry, 300_000);
    registry.release(other);
    expect(registry.record(again!, refused, at(300_000))).toEqual([]);
    expect([registry.nextAt, registry.census()]).toEqual([undefined, { allowed: 0, denied: 0, unknown: 0 }]);
    registry.hold(one);
    expect([registry.verdict(one, target('a')), nameOf(registry.next(0))]).toEqual(['unknown', 'shop/web a']);
    expect(registry.record(again!, refused, at(300_000))).toEqual([]);
  });

  it('that is released while it waits is not asked, for the first time or again', () => {
    const registry = bookOf();
    const holder = holderOf('shop/web', 'a');
    registry.hold(holder);
    registry.release(holder);
    expect(registry.next(0)).toBeUndefined();
    registry.hold(holder);
    answerAll(registry, allowed);
    registry.release(holder);
    expect([registry.nextAt, registry.next(900_000)]).toEqual([undefined, undefined]);
    registry.release(holder);
    expect(registry.next(900_000)).toBeUndefined();
  });

  it('of equal names of two ServiceAccounts or kinds is two', () => {
    const registry = bookOf();
    const machine = { resource: 'machines', names: ['a', 'group'] } as const;
    registry.hold(holderOf('shop/web', 'a'));
    registry.hold(holderOf('shop/api', 'a'));
    registry.hold({ subject: { namespace: 'shop', name: 'web' }, targets: [machine] });
    registry.hold(holderOf('pay/web', 'a'));
    expect(takeAll(registry)).toHaveLength(4);
  });
});

describe('a namespace', () => {
  it('with thousands of new pairs makes another wait for one of them', () => {
    const registry = bookOf(5_000);
    for (let count = 0; count < 5_000; count += 1) registry.hold(holderOf(`evil/sa-${count}`, 'a'));
    registry.hold(holderOf('shop/web', 'a'));
    expect([registry.next(0), registry.next(0)].map(nameOf)).toContain('shop/web a');
  });

  it('with new pairs without end does not keep those of others from being asked again', () => {
    const registry = bookOf(5_000);
    registry.hold(holderOf('shop/web', 'a'));
    answerAll(registry, allowed);
    for (let count = 0; count < 5_000; count += 1) registry.hold(holderOf(`evil/sa-${count}`, 'a'));
    expect([registry.next(300_000), registry.next(300_000)].map(nameOf)).toContain('shop/web a');
  });

  it('attack: with new pairs and with pairs to ask again without end has as many turns as one that has only new ones', () => {
    const registry = bookOf(5_000);
    const hold = (name: string) => {
      for (let count = 0; count < 50; count += 1) registry.hold(holderOf(`${name}-${count}`, 'a'));
    };
    hold('evil/old');
    answerAll(registry, allowed);
    hold('evil/new');
    hold('shop/new');
    const asked = Array.from({ length: 40 }, () => registry.next(400_000)?.subject.namespace);
    expect(asked.filter((namespace) => namespace === 'shop').length).toBeGreaterThanOrEqual(19);
  });

  it('in which one ServiceAccount has hundreds of pairs lets the others have their turn', () => {
    const registry = bookOf(5_000);
    registry.hold(holderOf('shop/many', ...Array.from({ length: 500 }, (_, count) => `id-${count}`)));
    registry.hold(holderOf('shop/web', 'a'));
    expect([registry.next(0), registry.next(0)].map(nameOf)).toContain('shop/web a');
  });

  it('that may have nothing more under way is passed over', () => {
    const registry = bookOf();
    registry.hold(holderOf('evil/web', 'a', 'b'));
    registry.hold(holderOf('shop/web', 'a'));
    const isShop = (namespace: string) => namespace === 'shop';
    expect(nameOf(registry.next(0, isShop))).toBe('shop/web a');
    expect(registry.next(0, isShop)).toBeUndefined();
    expect(takeAll(registry)).toHaveLength(2);
  });

  it('has its own bound: what is over it stays unknown until there is room, and is named then', () => {
    const registry = bookOf(2);
    const [first, second, third] = [
      holderOf('evil/1', 'a'),
      holderOf('evil/2', 'a'),
      holderOf('evil/1', 'a', 'b'),
    ];
    const fourth = holderOf('shop/web', 'a');
    for (const holder of [first, second, third, fourth]) registry.hold(holder);
    expect([registry.waits(third), registry.waits(first)]).toEqual([true, false]);
    expect([registry.waits(fourth), registry.waits(holderOf('none/web', 'a'))]).toEqual([false, false]);
    expect([registry.waiting(), registry.census().unknown]).toEqual([1, 3]);
    expect(answerAll(registry, allowed)).toHaveLength(3);
    // The book would not return it after a change of the verdict.
    expect(registry.verdict(third, target('a'))).toBe('unknown');
    expect(registry.takeAdmitted()).toEqual([]);
    registry.release(second);
    expect([registry.waits(third), registry.takeAdmitted(), registry.takeAdmitted()]).toEqual([
      false,
      [third],
      [],
    ]);
    expect([registry.verdict(third, target('a')), registry.verdict(third, target('b'))]).toEqual([
      'allowed',
      'unknown',
    ]);
    expect(answerAll(registry, refused, 1_000)).toEqual([third]);
  });

  it('gives up what waits for room and what was just let in', () => {
    const registry = bookOf(1);
    const [first, second, third] = [
      holderOf('evil/1', 'a'),
      holderOf('evil/2', 'a'),
      holderOf('evil/3', 'a'),
    ];
    for (const holder of [first, second, third]) registry.hold(holder);
    registry.release(second);
    registry.release(first);
    registry.release(third);
    expect([registry.takeAdmitted(), registry.waiting(), registry.next(0)]).toEqual([[], 0, undefined]);
  });
});

describe('pairs that a new pod waits for', () => {
  const deniedLong = (registry: PairRegistry) => {
    const holder = holderOf('shop/web', 'a');
    registry.hold(holder);
    for (let now = 0; now < 3_000_000; now += 300_000) answerAll(registry, refused, now);
    return holder;
  };

  it('are asked at once if they were not for 10 s', () => {
    const registry = bookOf();
    const holder = deniedLong(registry);
    let told = 0;
    registry.onFresh = () => (told += 1);
    expect([registry.next(2_800_000), told]).toEqual([undefined, 0]);
    registry.await(holder);
    expect([nameOf(registry.next(2_800_000)), told]).toEqual(['shop/web a', 1]);
  });

  it('are asked once also if they are due or being asked', () => {
    const registry = bookOf();
    const holder = deniedLong(registry);
    registry.await(holder);
    const [pair] = takeAll(registry, 2_800_000);
    registry.await(holder);
    expect(takeAll(registry, 9_000_000)).toEqual([]);
    registry.record(pair!, refused, at(2_800_000));
    expect(registry.nextAt).toBe(2_810_000);
  });

  it('are asked as ever if they are allowed', () => {
    const registry = bookOf();
    const holder = holderOf('shop/web', 'a');
    registry.hold(holder);
    answerAll(registry, allowed);
    let told = 0;
    registry.onFresh = () => (told += 1);
    registry.await(holder);
    expect([registry.nextAt, told]).toEqual([300_000, 0]);
  });

  it('of a holder that had no room are asked again every 10 s from when it has', () => {
    const registry = bookOf(1);
    const [first, second] = [holderOf('shop/1', 'a'), holderOf('shop/2', 'a')];
    for (const holder of [first, second]) {
      registry.hold(holder);
      registry.await(holder);
    }
    registry.release(first);
    for (let now = 0; now <= 300_000; now += 10_000) {
      const pairs = takeAll(registry, now);
      expect([now, pairs.map(nameOf)]).toEqual([now, ['shop/2 a']]);
      for (const pair of pairs) registry.record(pair, refused, at(now));
    }
  });

  it('of holders without room or unknown to the book change nothing', () => {
    const registry = bookOf(1);
    const [first, second] = [holderOf('shop/1', 'a'), holderOf('shop/2', 'a')];
    for (const holder of [first, second]) registry.hold(holder);
    for (const holder of [second, holderOf('mail/web', 'a')]) registry.await(holder);
    expect(takeAll(registry).map(nameOf)).toEqual(['shop/1 a']);
  });
});

describe('denials that are doubted', () => {
  it('are unknown until they are asked again, at once; other verdicts and namespaces keep theirs', () => {
    const registry = bookOf();
    const [denied, granted, other] = [
      holderOf('shop/web', 'a'),
      holderOf('shop/api', 'a'),
      holderOf('mail/web', 'a'),
    ];
    for (const [holder, result] of [
      [denied, refused],
      [granted, allowed],
      [other, refused],
    ] as const) {
      registry.hold(holder);
      answerAll(registry, result);
    }
    registry.doubtDenials('shop');
    expect([denied, granted, other].map((holder) => registry.verdict(holder, target('a')))).toEqual([
      'unknown',
      'allowed',
      'denied',
    ]);
    expect(takeAll(registry, 1).map(nameOf)).toEqual(['shop/web a']);
  });

  it('are asked once, also where they were due, and an answer from before says nothing', () => {
    const registry = bookOf();
    const [due, asked] = [holderOf('shop/web', 'a'), holderOf('shop/api', 'a')];
    for (const holder of [due, asked]) registry.hold(holder);
    answerAll(registry, refused);
    const pair = registry.next(600_000);
    registry.doubtDenials('shop');
    expect(registry.record(pair!, refused, at(600_000))).toEqual([]);
    expect(takeAll(registry, 600_000).map(nameOf).sort()).toEqual(['shop/api a', 'shop/web a']);
  });
});

describe('the end of a term', () => {
  it('makes all unknown: the next one asks everything anew, and answers of the last one say nothing', () => {
    const registry = bookOf();
    const [known, asked] = [holderOf('shop/web', 'a'), holderOf('shop/api', 'a')];
    registry.hold(known);
    answerAll(registry, allowed);
    registry.hold(asked);
    const [late] = takeAll(registry);
    expect(registry.forget()).toEqual([known]);
    expect(registry.record(late!, allowed, at(0))).toEqual([]);
    expect(registry.census()).toEqual({ allowed: 0, denied: 0, unknown: 2 });
    expect(takeAll(registry).map(nameOf).sort()).toEqual(['shop/api a', 'shop/web a']);
    expect(registry.forget()).toEqual([]);
  });
});

test('something new to ask is announced, also when it waited for room', () => {
  const registry = bookOf(1);
  let told = 0;
  registry.onFresh = () => (told += 1);
  const [first, second] = [holderOf('shop/1', 'a'), holderOf('shop/2', 'a')];
  registry.hold(first);
  registry.hold(second);
  expect(told).toBe(1);
  registry.release(first);
  expect(told).toBe(2);
});

test('the census counts pairs by verdict', () => {
  const registry = bookOf();
  registry.hold(holderOf('shop/web', 'a', 'b', 'c'));
  const [one, two] = takeAll(registry);
  registry.record(one!, allowed, at(0));
  registry.record(two!, refused, at(0));
  expect(registry.census()).toEqual({ allowed: 1, denied: 1, unknown: 1 });
});
