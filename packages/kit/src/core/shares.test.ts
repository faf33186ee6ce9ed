import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createShareMap, createShares, largest, type Shared } from './shares.ts';

interface One extends Shared {
  readonly name: string;
}
const one = (namespace: string, name: string, weight = 1): One => ({ namespace, name, weight });
const namesOf = (all: readonly One[]) => all.map(({ name }) => name);

it('a namespace over its own limit evicts its oldest, as many as necessary', () => {
  const shares = createShares<One>({ perNamespace: 3, total: 100 });
  shares.add(one('other', 'other'));
  expect(['a', 'b', 'c'].map((name) => shares.add(one('shop', name)).length)).toEqual([0, 0, 0]);
  expect(namesOf(shares.add(one('shop', 'd', 2)))).toEqual(['a', 'b']);
});

it('what alone is over the limit is evicted at once', () => {
  const shares = createShares<One>({ perNamespace: 3, total: 100 });
  expect(namesOf(shares.add(one('shop', 'a', 4)))).toEqual(['a']);
  expect(namesOf(shares.add(one('shop', 'b', 3)))).toEqual([]);
});

it('over the total, the namespace that holds most evicts its oldest', () => {
  const shares = createShares<One>({ perNamespace: 100, total: 5 });
  for (const name of ['a', 'b', 'c']) shares.add(one('large', name));
  shares.add(one('small', 'mine', 2));
  expect(namesOf(shares.add(one('new', 'next')))).toEqual(['a']);
});

it('what was removed takes no place', () => {
  const shares = createShares<One>({ perNamespace: 2, total: 2 });
  const first = one('shop', 'a');
  shares.add(first);
  shares.add(one('shop', 'b'));
  shares.remove(first);
  shares.remove(first);
  expect(shares.add(one('other', 'c'))).toEqual([]);
});

it('whatever others add, a namespace with less than an equal part of the total keeps all', () => {
  const namespaces = ['a', 'b', 'c'];
  const additions = fc.array(
    fc.record({ namespace: fc.constantFrom(...namespaces), weight: fc.integer({ min: 1, max: 9 }) }),
  );
  fc.assert(
    fc.property(additions, (all) => {
      const shares = createShares<One>({ perNamespace: 12, total: 20 });
      const kept = new Set<One>();
      const mine = [one('mine', '1', 2), one('mine', '2', 3)];
      const drafts = [...all.slice(0, 5), ...mine, ...all.slice(5)];
      for (const draft of drafts) {
        const added: One = { name: '', ...draft };
        kept.add(added);
        for (const out of shares.add(added)) expect(kept.delete(out)).toBe(true);
        const sum = (of: readonly One[]) => of.reduce((total, { weight }) => total + weight, 0);
        expect(sum([...kept])).toBeLessThanOrEqual(20);
        for (const name of namespaces)
          expect(sum([...kept].filter(({ namespace }) => namespace === name))).toBeLessThanOrEqual(12);
      }
      expect([...kept].filter(({ namespace }) => namespace === 'mine')).toHaveLength(2);
    }),
  );
});

it('of a key there is one, which is the newest of its namespace again when it is set again', () => {
  const map = createShareMap({ perNamespace: 2, total: 10 });
  const keyed = (key: string, weight = 1) => ({ key, namespace: 'shop', weight });
  for (const key of ['a', 'b', 'a']) expect(map.set(keyed(key))).toEqual([]);
  expect(map.set(keyed('c'))).toEqual([keyed('b')]);
  expect(['a', 'b', 'c'].map((key) => map.get(key)?.key)).toEqual(['a', undefined, 'c']);
  map.delete('a');
  map.delete('b');
  expect(map.set(keyed('d'))).toEqual([]);
  expect(map.set(keyed('large', 3)).map(({ key }) => key)).toEqual(['c', 'd', 'large']);
  expect(map.get('large')).toBeUndefined();
});

it('the largest is the first of equal ones', () => {
  const sizes = [1, 3, 3];
  expect(largest(sizes.keys(), (index) => sizes[index] ?? 0)).toBe(1);
  expect(largest<number>([], () => 1)).toBeUndefined();
});
