import { expect, test } from 'vitest';
import { NamespaceLabels } from './namespace-labels.ts';

/** Text of 100 characters: `{"a":"…"}`. */
const hundred = { a: 'x'.repeat(92) };
const short = { a: 'x' };
const known = (labels: NamespaceLabels, names: readonly string[]) =>
  names.filter((name) => labels.of(name) !== undefined);

test('labels are kept until they are replaced or removed', () => {
  const labels = new NamespaceLabels(10_000);
  expect(labels.of('pay')).toBeUndefined();
  expect(labels.put('pay', hundred)).toBeUndefined();
  expect(labels.of('pay')).toEqual(hundred);
  labels.put('pay', undefined);
  expect([labels.of('pay'), labels.isDropped('pay')]).toEqual([undefined, false]);
  labels.put('pay', short);
  labels.remove('pay');
  expect(labels.hasRoom()).toBe(false);
  expect(labels.of('pay')).toBeUndefined();
});

test('many Namespaces with many labels do not grow it without bound, and the short labels of others stay', () => {
  const labels = new NamespaceLabels(1_000);
  const crowd = Array.from({ length: 500 }, (_, index) => `crowd-${index}`);
  labels.put('pay', short);
  for (const name of crowd) labels.put(name, hundred);
  labels.put('shop', short);
  expect(known(labels, crowd).length).toBeLessThanOrEqual(10);
  expect(known(labels, ['pay', 'shop'])).toEqual(['pay', 'shop']);
  expect(labels.isDropped('crowd-9')).toBe(true);
});

test('what is dropped is said, and that there is room again when half of the rest is gone', () => {
  const labels = new NamespaceLabels(1_000);
  const names = Array.from({ length: 10 }, (_, index) => `n${index}`);
  for (const name of names) expect(labels.put(name, hundred)).toBeUndefined();
  expect(labels.put('long', { a: 'x'.repeat(192) })).toEqual({ count: 4, longest: 'long' });
  expect(known(labels, names)).toEqual(names.slice(0, 7));
  const hasRoomWithout = (name: string) => {
    labels.remove(name);
    return labels.hasRoom();
  };
  expect(names.slice(0, 7).map(hasRoomWithout)).toEqual([false, false, true, true, true, true, true]);
  const [first = ''] = names;
  for (const name of [first, ...names.slice(7), 'long']) expect(labels.put(name, short)).toBeUndefined();
  expect(hasRoomWithout(first)).toBe(false);
});

test('every change has another revision', () => {
  const labels = new NamespaceLabels(10_000);
  const revisions = [
    () => labels.put('pay', short),
    () => labels.put('pay', hundred),
    () => labels.remove('pay'),
  ];
  const seen = revisions.map((change) => {
    change();
    return labels.revision;
  });
  expect(new Set([0, ...seen]).size).toBe(4);
});

test('labels that are read again without a change keep the revision', () => {
  const labels = new NamespaceLabels(10_000);
  labels.put('pay', short);
  labels.put('large', undefined);
  const { revision } = labels;
  labels.put('pay', { ...short });
  labels.put('large', undefined);
  expect([labels.revision, labels.of('pay')]).toEqual([revision, short]);
});

test('labels that were dropped and then become too large to be read have another revision', () => {
  const labels = new NamespaceLabels(50);
  labels.put('long', hundred);
  const { revision } = labels;
  expect(labels.isDropped('long')).toBe(true);
  labels.put('long', undefined);
  expect(labels.isDropped('long')).toBe(false);
  expect(labels.revision).toBeGreaterThan(revision);
});

test('short labels stay, whatever Namespaces others create, and of equally long ones the older', () => {
  const labels = new NamespaceLabels(1_000);
  for (const name of ['pay', 'shop']) labels.put(name, hundred);
  for (let number = 0; number < 100; number += 1) labels.put(`crowd-${number}`, hundred);
  expect(known(labels, ['pay', 'shop'])).toEqual(['pay', 'shop']);
  const share = (1_000 * 3) / 4 / 10;
  for (let number = 0; number < 7; number += 1) labels.put(`small-${number}`, { a: 'x'.repeat(share - 8) });
  for (let number = 0; number < 3; number += 1) labels.put(`long-${number}`, { a: 'x'.repeat(800) });
  for (let number = 0; number < 7; number += 1) expect(labels.of(`small-${number}`)).toBeDefined();
  expect(labels.leftOut).toBeGreaterThan(0);
});

test('whose labels have been dropped, or may be known again, is told once', () => {
  const labels = new NamespaceLabels(300);
  labels.put('pay', short);
  labels.put('long', { a: 'x'.repeat(292) });
  expect([labels.leftOut, [...labels.takeChanged()], [...labels.takeChanged()]]).toEqual([1, ['long'], []]);
  labels.put('long', hundred);
  expect([labels.leftOut, [...labels.takeChanged()]]).toEqual([0, ['long']]);
  labels.put('long', { a: 'x'.repeat(400) });
  labels.remove('long');
  expect([labels.leftOut, [...labels.takeChanged()]]).toEqual([0, []]);
});

test('what only a list that failed had is forgotten', () => {
  const labels = new NamespaceLabels(300);
  labels.put('long', { a: 'x'.repeat(400) });
  for (const name of ['pay', 'gone']) labels.put(name, hundred);
  labels.retain((name) => name === 'pay');
  expect(known(labels, ['pay', 'gone'])).toEqual(['pay']);
  expect([labels.leftOut, labels.isDropped('long')]).toEqual([0, false]);
});
