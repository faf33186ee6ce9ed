import { expect, it } from 'vitest';
import { accessPair } from '../../test/builders.ts';
import { createPairCache } from './pair-cache.ts';

const pair = (namespace: string, identity: string) => accessPair({ namespace, identity });

it('has one entry for each pair', () => {
  const book = createPairCache({ total: 10, perNamespace: 10 });
  expect(book.get(pair('pay', 'a'))).toBeUndefined();
  const entry = book.open(pair('pay', 'a'));
  expect(book.open(pair('pay', 'a'))).toBe(entry);
  expect(book.get(pair('pay', 'a'))).toBe(entry);
  expect(book.get(pair('pay', 'b'))).toBeUndefined();
  expect(book.get(pair('shop', 'a'))).toBeUndefined();
});

it('a namespace with too many loses its own oldest, and nobody else any', () => {
  const book = createPairCache({ total: 100, perNamespace: 2 });
  book.open(pair('shop', 'x'));
  for (const identity of ['a', 'b', 'c']) book.open(pair('pay', identity));
  const known = ['a', 'b', 'c'].map((identity) => book.get(pair('pay', identity)) !== undefined);
  expect(known).toEqual([false, true, true]);
  expect(book.get(pair('shop', 'x'))).toBeDefined();
});

it('the oldest is the one that was answered longest ago', () => {
  const book = createPairCache({ total: 100, perNamespace: 2 });
  const first = book.open(pair('pay', 'a'));
  book.open(pair('pay', 'b'));
  book.renew(first);
  book.open(pair('pay', 'c'));
  expect(book.get(pair('pay', 'a'))).toBe(first);
  expect(book.get(pair('pay', 'b'))).toBeUndefined();
});

it('an entry that was evicted comes back by no answer', () => {
  const book = createPairCache({ total: 100, perNamespace: 1 });
  const first = book.open(pair('pay', 'a'));
  book.open(pair('pay', 'b'));
  book.renew(first);
  expect(book.get(pair('pay', 'a'))).toBeUndefined();
  const again = book.open(pair('pay', 'a'));
  expect(again).not.toBe(first);
  book.renew(first);
  expect(book.get(pair('pay', 'a'))).toBe(again);
});

it('an entry of a namespace that has lost all comes back by no answer', () => {
  const book = createPairCache({ total: 1, perNamespace: 1 });
  const first = book.open(pair('pay', 'a'));
  const second = book.open(pair('shop', 'x'));
  book.renew(first);
  expect(book.get(pair('pay', 'a'))).toBeUndefined();
  expect(book.get(pair('shop', 'x'))).toBe(second);
});

it('what a namespace evicts of its own costs nobody else anything', () => {
  const book = createPairCache({ total: 3, perNamespace: 1 });
  for (const identity of ['a', 'b', 'c', 'd', 'e']) book.open(pair('pay', identity));
  book.open(pair('shop', 'x'));
  book.open(pair('web', 'y'));
  expect(book.get(pair('pay', 'e'))).toBeDefined();
  expect(book.get(pair('shop', 'x'))).toBeDefined();
  book.open(pair('new', 'z'));
  const kept = [pair('pay', 'e'), pair('shop', 'x'), pair('web', 'y')].map((one) => book.get(one));
  expect(kept.filter((one) => one === undefined)).toHaveLength(1);
});

it('when all together are too many, the largest namespace loses its oldest', () => {
  const book = createPairCache({ total: 4, perNamespace: 3 });
  book.open(pair('small', 'x'));
  for (const identity of ['a', 'b', 'c']) book.open(pair('large', identity));
  book.open(pair('new', 'y'));
  expect(book.get(pair('large', 'a'))).toBeUndefined();
  expect(book.get(pair('large', 'b'))).toBeDefined();
  expect(book.get(pair('small', 'x'))).toBeDefined();
  // Evictions freed a place, so the next pair evicts one entry again.
  book.open(pair('large', 'd'));
  const kept = ['b', 'c', 'd'].map((identity) => book.get(pair('large', identity)) !== undefined);
  expect(kept).toEqual([false, true, true]);
  expect(book.get(pair('new', 'y'))).toBeDefined();
});
