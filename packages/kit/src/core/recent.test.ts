import { expect, it } from 'vitest';
import { RecentMap } from './recent.ts';

const of = (...keys: readonly string[]) => {
  const map = new RecentMap<string, number>(3);
  for (const [index, key] of keys.entries()) map.set(key, index);
  return map;
};

it('keeps entries up to its capacity', () => {
  expect([...of('a', 'b', 'c')]).toEqual([
    ['a', 0],
    ['b', 1],
    ['c', 2],
  ]);
});

it('evicts the entry that was set longest ago', () => {
  expect([...of('a', 'b', 'c', 'd', 'e').keys()]).toEqual(['c', 'd', 'e']);
});

it('an entry that is set again becomes the newest, and evicts nothing', () => {
  expect([...of('a', 'b', 'c', 'a')]).toEqual([
    ['b', 1],
    ['c', 2],
    ['a', 3],
  ]);
  expect([...of('a', 'b', 'c', 'a', 'd').keys()]).toEqual(['c', 'a', 'd']);
});

it('reading an entry does not make it newer', () => {
  const map = of('a', 'b', 'c');
  map.get('a');
  map.set('d', 3);
  expect(map.has('a')).toBe(false);
});

it('a deleted entry frees its place', () => {
  const map = of('a', 'b', 'c');
  map.delete('b');
  map.set('d', 3);
  expect([...map.keys()]).toEqual(['a', 'c', 'd']);
});

it('evicts the key undefined like any other', () => {
  const map = new RecentMap<string | undefined, number>(1);
  map.set(undefined, 0).set('a', 1);
  expect([...map.keys()]).toEqual(['a']);
});
