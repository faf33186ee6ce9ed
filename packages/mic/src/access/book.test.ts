import type { Answer } from '@pod-identity/policy';
import type { AccessTarget } from '@pod-identity/crd-types';

import { describe, expect, it, test } from 'vitest';
import { AccessBook, type Holder, type Pair } from './book.ts';

const allowed: Answer = { kind: 'allowed', level: 0 };
const refused: Answer = { kind: 'refused' };
const at = (now: number) => ({ now, chance: 1 });

const target = (name: string): AccessTarget => ({ resource: 'managedidentities', names: [name, 'group'] });
const holderOf = (subject: string, ...names: readonly string[]): Holder => {
  const [namespace = '', name = ''] = subject.split('/');
  return { subject: { namespace, name }, targets: names.map(target) };
};
const bookOf = (pairsPerNamespace = 100) => new AccessBook({ pairsPerNamespace, recheckMs: 300_000 });
const nameOf = (pair: Pair | undefined) =>
  pair && `${pair.subject.namespace}/${pair.subject.name} ${pair.target.names[0]}`;

function takeAll(book: AccessBook, now = 0): Pair[] {
  const pairs: Pair[] = [];
  for (let pair = book.next(now); pair; pair = book.next(now)) pairs.push(pair);
  return pairs;
}
const answerAll = (book: AccessBook, answer: Answer, now = 0) =>
  takeAll(book, now).flatMap((pair) => book.answer(pair, answer, at(now)));

describe('a pair', () => {
  it('is asked as soon as it is held, and once for all its holders', () => {
    const book = bookOf();
    expect([book.nextAt, book.next(0)]).toEqual([undefined, undefined]);
    const [one, other] = [holderOf('shop/web', 'a', 'b'), holderOf('shop/web', 'b')];
    book.hold(one);
    book.hold(other);
    expect(book.nextAt).toBe(0);
    expect(takeAll(book).map(nameOf)).toEqual(['shop/web a', 'shop/web b']);
    expect(book.next(0)).toBeUndefined();
  });

  it('names all its holders when its verdict changes, and nobody when it stays', () => {
    const book = bookOf();
    const [one, other] = [holderOf('shop/web', 'a'), holderOf('shop/web', 'a', 'b')];
    book.hold(one);
    book.hold(other);
    expect(book.verdict(one, target('a'))).toBe('unknown');
    const [pair] = takeAll(book);
    expect(book.answer(pair!, allowed, at(0))).toEqual([one, other]);
    expect([book.verdict(one, target('a')), book.verdict(other, target('b'))]).toEqual([
      'allowed',
      'unknown',
    ]);
    expect(answerAll(book, allowed, 300_000)).toEqual([]);
    expect(answerAll(book, refused, 700_000)).toEqual([]);
    expect(answerAll(book, refused, 800_000)).toEqual([one, other]);
    expect(book.verdict(one, target('a'))).toBe('denied');
  });

  it('has its verdict read without its long names, however many holders an answer makes look again', () => {
    const book = bookOf();
    let reads = 0;
    const one: AccessTarget = {
      resource: 'managedidentities',
      get names() {
        reads += 1;
        return ['a', 'group'] as const;
      },
    };
    const holder: Holder = { ...holderOf('shop/web'), targets: [one] };
    book.hold(holder);
    answerAll(book, allowed);
    const before = reads;
    expect([book.verdict(holder, one), book.verdict(holder, target('a'))]).toEqual(['allowed', 'allowed']);
    book.release(holder);
    expect([book.verdict(holder, one), reads]).toEqual(['unknown', before]);
  });

  it('is asked again when it is due, and not while it is being asked', () => {
    const book = bookOf();
    book.hold(holderOf('shop/web', 'a'));
    const [pair] = takeAll(book);
    expect(book.nextAt).toBeUndefined();
    book.answer(pair!, allowed, at(0));
    expect(book.nextAt).toBe(300_000);
    expect([book.next(299_999), nameOf(book.next(300_000))]).toEqual([undefined, 'shop/web a']);
  });

  it('is forgotten with its last holder, and its answer then says nothing', () => {
    const book = bookOf();
    const [one, other] = [holderOf('shop/web', 'a'), holderOf('shop/web', 'a')];
    book.hold(one);
    book.hold(other);
    const [pair] = takeAll(book);
    book.release(one);
    expect(book.answer(pair!, allowed, at(0))).toEqual([other]);
    const [again] = takeAll(book, 300_000);
    book.release(other);
    expect(book.answer(again!, refused, at(300_000))).toEqual([]);
    expect([book.nextAt, book.census()]).toEqual([undefined, { allowed: 0, denied: 0, unknown: 0 }]);
    book.hold(one);
    expect([book.verdict(one, target('a')), nameOf(book.next(0))]).toEqual(['unknown', 'shop/web a']);
    expect(book.answer(again!, refused, at(300_000))).toEqual([]);
  });

  it('that is released while it waits is not asked, for the first time or again', () => {
    const book = bookOf();
    const holder = holderOf('shop/web', 'a');
    book.hold(holder);
    book.release(holder);
    expect(book.next(0)).toBeUndefined();
    book.hold(holder);
    answerAll(book, allowed);
    book.release(holder);
    expect([book.nextAt, book.next(900_000)]).toEqual([undefined, undefined]);
    book.release(holder);
    expect(book.next(900_000)).toBeUndefined();
  });

  it('of equal names of two ServiceAccounts or kinds is two', () => {
    const book = bookOf();
    const machine = { resource: 'machines', names: ['a', 'group'] } as const;
    book.hold(holderOf('shop/web', 'a'));
    book.hold(holderOf('shop/api', 'a'));
    book.hold({ subject: { namespace: 'shop', name: 'web' }, targets: [machine] });
    book.hold(holderOf('pay/web', 'a'));
    expect(takeAll(book)).toHaveLength(4);
  });
});

describe('a namespace', () => {
  it('with thousands of new pairs makes another wait for one of them', () => {
    const book = bookOf(5_000);
    for (let count = 0; count < 5_000; count += 1) book.hold(holderOf(`evil/sa-${count}`, 'a'));
    book.hold(holderOf('shop/web', 'a'));
    expect([book.next(0), book.next(0)].map(nameOf)).toContain('shop/web a');
  });

  it('with new pairs without end does not keep those of others from being asked again', () => {
    const book = bookOf(5_000);
    book.hold(holderOf('shop/web', 'a'));
    answerAll(book, allowed);
    for (let count = 0; count < 5_000; count += 1) book.hold(holderOf(`evil/sa-${count}`, 'a'));
    expect([book.next(300_000), book.next(300_000)].map(nameOf)).toContain('shop/web a');
  });

  it('in which one ServiceAccount has hundreds of pairs lets the others have their turn', () => {
    const book = bookOf(5_000);
    book.hold(holderOf('shop/many', ...Array.from({ length: 500 }, (_, count) => `id-${count}`)));
    book.hold(holderOf('shop/web', 'a'));
    expect([book.next(0), book.next(0)].map(nameOf)).toContain('shop/web a');
  });

  it('that may have nothing more under way is passed over', () => {
    const book = bookOf();
    book.hold(holderOf('evil/web', 'a', 'b'));
    book.hold(holderOf('shop/web', 'a'));
    const isShop = (namespace: string) => namespace === 'shop';
    expect(nameOf(book.next(0, isShop))).toBe('shop/web a');
    expect(book.next(0, isShop)).toBeUndefined();
    expect(takeAll(book)).toHaveLength(2);
  });

  it('has its own bound: what is over it stays unknown until there is room, and is named then', () => {
    const book = bookOf(2);
    const [first, second, third] = [
      holderOf('evil/1', 'a'),
      holderOf('evil/2', 'a'),
      holderOf('evil/1', 'a', 'b'),
    ];
    const fourth = holderOf('shop/web', 'a');
    for (const holder of [first, second, third, fourth]) book.hold(holder);
    expect([book.waits(third), book.waits(first)]).toEqual([true, false]);
    expect([book.waits(fourth), book.waits(holderOf('none/web', 'a'))]).toEqual([false, false]);
    expect([book.waiting(), book.pairsOf('evil'), book.pairsOf('none')]).toEqual([1, 2, 0]);
    expect(answerAll(book, allowed)).toHaveLength(3);
    // The book would not return it after a change of the verdict.
    expect(book.verdict(third, target('a'))).toBe('unknown');
    expect(book.takeAdmitted()).toEqual([]);
    book.release(second);
    expect([book.waits(third), book.takeAdmitted(), book.takeAdmitted()]).toEqual([false, [third], []]);
    expect([book.verdict(third, target('a')), book.verdict(third, target('b'))]).toEqual([
      'allowed',
      'unknown',
    ]);
    expect(answerAll(book, refused, 1_000)).toEqual([third]);
  });

  it('gives up what waits for room and what was just let in', () => {
    const book = bookOf(1);
    const [first, second, third] = [
      holderOf('evil/1', 'a'),
      holderOf('evil/2', 'a'),
      holderOf('evil/3', 'a'),
    ];
    for (const holder of [first, second, third]) book.hold(holder);
    book.release(second);
    book.release(first);
    book.release(third);
    expect([book.takeAdmitted(), book.waiting(), book.next(0)]).toEqual([[], 0, undefined]);
  });
});

describe('pairs that a new pod waits for', () => {
  const deniedLong = (book: AccessBook) => {
    const holder = holderOf('shop/web', 'a');
    book.hold(holder);
    for (let now = 0; now < 3_000_000; now += 300_000) answerAll(book, refused, now);
    return holder;
  };

  it('are asked at once if they were not for 10 s', () => {
    const book = bookOf();
    const holder = deniedLong(book);
    let told = 0;
    book.onFresh = () => (told += 1);
    expect([book.next(2_800_000), told]).toEqual([undefined, 0]);
    book.await(holder);
    expect([nameOf(book.next(2_800_000)), told]).toEqual(['shop/web a', 1]);
  });

  it('are asked once also if they are due or being asked', () => {
    const book = bookOf();
    const holder = deniedLong(book);
    book.await(holder);
    const [pair] = takeAll(book, 2_800_000);
    book.await(holder);
    expect(takeAll(book, 9_000_000)).toEqual([]);
    book.answer(pair!, refused, at(2_800_000));
    expect(book.nextAt).toBe(2_810_000);
  });

  it('are asked as ever if they are allowed', () => {
    const book = bookOf();
    const holder = holderOf('shop/web', 'a');
    book.hold(holder);
    answerAll(book, allowed);
    let told = 0;
    book.onFresh = () => (told += 1);
    book.await(holder);
    expect([book.nextAt, told]).toEqual([300_000, 0]);
  });

  it('of a holder that had no room are asked again every 10 s from when it has', () => {
    const book = bookOf(1);
    const [first, second] = [holderOf('shop/1', 'a'), holderOf('shop/2', 'a')];
    for (const holder of [first, second]) {
      book.hold(holder);
      book.await(holder);
    }
    book.release(first);
    for (let now = 0; now <= 300_000; now += 10_000) {
      const pairs = takeAll(book, now);
      expect([now, pairs.map(nameOf)]).toEqual([now, ['shop/2 a']]);
      for (const pair of pairs) book.answer(pair, refused, at(now));
    }
  });

  it('of holders without room or unknown to the book change nothing', () => {
    const book = bookOf(1);
    const [first, second] = [holderOf('shop/1', 'a'), holderOf('shop/2', 'a')];
    for (const holder of [first, second]) book.hold(holder);
    for (const holder of [second, holderOf('mail/web', 'a')]) book.await(holder);
    expect(takeAll(book).map(nameOf)).toEqual(['shop/1 a']);
  });
});

describe('denials that are doubted', () => {
  it('are unknown until they are asked again, at once; other verdicts and namespaces keep theirs', () => {
    const book = bookOf();
    const [denied, granted, other] = [
      holderOf('shop/web', 'a'),
      holderOf('shop/api', 'a'),
      holderOf('mail/web', 'a'),
    ];
    for (const [holder, answer] of [
      [denied, refused],
      [granted, allowed],
      [other, refused],
    ] as const) {
      book.hold(holder);
      answerAll(book, answer);
    }
    book.doubtDenials('shop');
    expect([denied, granted, other].map((holder) => book.verdict(holder, target('a')))).toEqual([
      'unknown',
      'allowed',
      'denied',
    ]);
    expect(takeAll(book, 1).map(nameOf)).toEqual(['shop/web a']);
  });

  it('are asked once, also where they were due, and an answer from before says nothing', () => {
    const book = bookOf();
    const [due, asked] = [holderOf('shop/web', 'a'), holderOf('shop/api', 'a')];
    for (const holder of [due, asked]) book.hold(holder);
    answerAll(book, refused);
    const pair = book.next(600_000);
    book.doubtDenials('shop');
    expect(book.answer(pair!, refused, at(600_000))).toEqual([]);
    expect(takeAll(book, 600_000).map(nameOf).sort()).toEqual(['shop/api a', 'shop/web a']);
  });
});

describe('the end of a term', () => {
  it('makes all unknown: the next one asks everything anew, and answers of the last one say nothing', () => {
    const book = bookOf();
    const [known, asked] = [holderOf('shop/web', 'a'), holderOf('shop/api', 'a')];
    book.hold(known);
    answerAll(book, allowed);
    book.hold(asked);
    const [late] = takeAll(book);
    expect(book.forget()).toEqual([known]);
    expect(book.answer(late!, allowed, at(0))).toEqual([]);
    expect(book.census()).toEqual({ allowed: 0, denied: 0, unknown: 2 });
    expect(takeAll(book).map(nameOf).sort()).toEqual(['shop/api a', 'shop/web a']);
    expect(book.forget()).toEqual([]);
  });
});

test('something new to ask is announced, also when it waited for room', () => {
  const book = bookOf(1);
  let told = 0;
  book.onFresh = () => (told += 1);
  const [first, second] = [holderOf('shop/1', 'a'), holderOf('shop/2', 'a')];
  book.hold(first);
  book.hold(second);
  expect(told).toBe(1);
  book.release(first);
  expect(told).toBe(2);
});

test('the census counts pairs by verdict', () => {
  const book = bookOf();
  book.hold(holderOf('shop/web', 'a', 'b', 'c'));
  const [one, two] = takeAll(book);
  book.answer(one!, allowed, at(0));
  book.answer(two!, refused, at(0));
  expect(book.census()).toEqual({ allowed: 1, denied: 1, unknown: 1 });
});
