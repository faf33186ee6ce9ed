import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryShares, type Share, type Weighed } from './memory-shares.ts';

const share: Share = { namespaceBytes: 3_000, totalBytes: 1_000_000 };
const object = fc.record({
  name: fc.integer({ min: 0, max: 60 }),
  namespace: fc.constantFrom('a', 'b', 'c'),
  created: fc.integer({ min: 0, max: 5 }),
  bytes: fc.integer({ min: 0, max: 1_500 }),
});
const objects = fc
  .uniqueArray(object, { selector: ({ namespace, name }) => `${namespace}/${name}`, maxLength: 80 })
  .map((all) =>
    all.map(({ name, namespace, created, bytes }): Weighed => {
      return {
        key: `${namespace}/${name}`,
        namespace,
        createdAt: `2026-01-0${created + 1}T00:00:00Z`,
        bytes,
      };
    }),
  );

function keep(given: readonly Weighed[], limits = share): string[] {
  const room = new MemoryShares(limits);
  const kept = new Map<string, Weighed>();
  for (const one of given) {
    kept.set(one.key, one);
    for (const key of room.put(one)) kept.delete(key);
  }
  return [...kept.keys()].sort();
}

test('the kept objects do not depend on the order of arrival', () => {
  const shuffled = objects.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
  );
  fc.assert(
    fc.property(shuffled, ([one, other]) => {
      expect(keep(one)).toEqual(keep(other));
    }),
  );
});

test('no namespace holds more than its share, and other namespaces do not reduce it', () => {
  fc.assert(
    fc.property(objects, (all) => {
      for (const namespace of ['a', 'b', 'c']) {
        const own = all.filter((one) => one.namespace === namespace);
        const kept = keep(all).filter((key) => key.startsWith(`${namespace}/`));
        expect(kept).toEqual(keep(own));
        const bytes = own
          .filter(({ key }) => kept.includes(key))
          .reduce((sum, one) => sum + one.bytes + 256, 0);
        expect(bytes).toBeLessThanOrEqual(share.namespaceBytes);
      }
    }),
  );
});

test('a new object displaces no older one', () => {
  const room = new MemoryShares({ namespaceBytes: 2 * 356, totalBytes: 1_000_000 });
  const at = (n: number): Weighed => ({
    key: `a/${n}`,
    namespace: 'a',
    createdAt: `2026-01-0${n}`,
    bytes: 100,
  });
  expect([room.put(at(1)), room.put(at(2)), room.put(at(3))]).toEqual([[], [], ['a/3']]);
  expect([room.isOver('a'), room.isOver('b'), room.hasSpace]).toEqual([true, false, false]);
  room.remove('a/1');
  expect(room.hasSpace).toBe(true);
  room.remove('a/2');
  expect([room.isOver('a'), room.hasSpace]).toEqual([true, true]);
});

test('objects that arrive from the youngest to the oldest cost no more than a search among the kept ones', () => {
  const room = new MemoryShares({ namespaceBytes: 1_000 * 356, totalBytes: 10_000_000 });
  let compared = 0;
  const at = (n: number): Weighed => ({
    key: `a/${n}`,
    namespace: 'a',
    get createdAt() {
      compared += 1;
      return n.toString().padStart(9, '0');
    },
    bytes: 100,
  });
  for (let n = 3_000; n > 0; n -= 1) room.put(at(n));
  expect(compared).toBeLessThan(3_000 * 150);
});

test('when all namespaces together exceed the total, those that hold most lose, however many there are', () => {
  const small = Array.from({ length: 50 }, (_, n): Weighed => {
    return { key: `small-${n}/one`, namespace: `small-${n}`, createdAt: '2026-01-09', bytes: 100 };
  });
  const large = Array.from({ length: 10 * 20 }, (_, n): Weighed => {
    const namespace = `large-${n % 10}`;
    return { key: `${namespace}/${n}`, namespace, createdAt: '2026-01-01', bytes: 1_000 };
  });
  for (const all of [
    [...small, ...large],
    [...large, ...small],
  ]) {
    const kept = keep(all, { namespaceBytes: 100_000, totalBytes: 100_000 });
    expect(kept.filter((key) => key.startsWith('small-'))).toHaveLength(50);
    expect(kept.length).toBeGreaterThan(100);
  }
});
