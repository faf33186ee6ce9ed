import { expect, test } from 'vitest';
import { createNamespaceSums, createOldest, weigh, type Weighed } from './namespace-sums.ts';

const one = (at: number, bytes = 100, createdAt = '2026'): Weighed => ({
  key: `ns/${at}`,
  uid: String(at).padStart(6, '0'),
  createdAt,
  bytes,
});
const keysOf = (objects: Iterable<Weighed>) => Array.from(objects, ({ key }) => key);
const noLine = () => undefined;

/** As a list does. */
function counting(objects: readonly Weighed[], most: number) {
  const oldest = createOldest<Weighed>(most);
  for (const object of objects) oldest.add(object);
  const sums = createNamespaceSums(most, noLine);
  return {
    held: [...oldest.all()],
    counts: keysOf([...oldest.all()].filter((each) => sums.put(each))),
    sums,
  };
}

test('attack: however many objects a namespace has, a list holds few of them, and the same count in any order', () => {
  const objects = Array.from({ length: 1_000 }, (_, at) => one(at, 50 + ((at * 7) % 100)));
  const shuffled = objects.toSorted(
    (a, b) => ((Number(a.uid) * 7919) % 1009) - ((Number(b.uid) * 7919) % 1009),
  );
  const orders = [objects, objects.toReversed(), shuffled].map((order) => counting(order, 1_000));
  for (const { held, counts } of orders) {
    expect(held.length).toBeLessThan(20);
    expect(counts).toEqual(orders[0]?.counts);
    expect(counts[0]).toBe('ns/0');
  }
});

test('objects of one second count in the order of their uids, and older ones before', () => {
  const { counts } = counting([one(3), one(2), one(9, 100, '2025'), one(1)], 300);
  expect(counts).toEqual(['ns/9', 'ns/1', 'ns/2']);
});

test('without a limit all count, in the order of arrival', () => {
  expect(counting([one(2), one(1)], Infinity).counts).toEqual(['ns/2', 'ns/1']);
});

test('a list is worth it when one went, shrank or grew beyond the sum, and not when one stays as it is', () => {
  const full = () =>
    counting(
      [1, 2, 3, 4].map((at) => one(at)),
      300,
    ).sums;
  const after = (act: (sums: ReturnType<typeof full>) => unknown) => {
    const sums = full();
    act(sums);
    return sums.mayHaveSpace;
  };
  expect(after(() => undefined)).toBe(false);
  expect(after((sums) => sums.put(one(1)))).toBe(false);
  expect(after((sums) => sums.put(one(4)))).toBe(false);
  expect(after((sums) => sums.put(one(1, 50)))).toBe(true);
  expect(after((sums) => sums.put(one(1, 500)))).toBe(true);
  expect(after((sums) => sums.remove('ns/1'))).toBe(true);
  expect(after((sums) => sums.remove('ns/4'))).toBe(true);
  expect(after((sums) => sums.remove('other/1'))).toBe(false);
});

test('attack: an object that is longer than any valid one takes no more than the place of the longest', () => {
  const { bytes } = weigh({ metadata: {}, spec: { text: 'x'.repeat(1_000_000) } });
  expect(bytes).toBeLessThan(70_000);
  expect(weigh({}).bytes).toBeGreaterThan(200);
});
