import { expect, test } from 'vitest';
import type { PodView } from '../views.ts';
import { createLabelMemory, type HeldPod, type LabelDesk } from './label-memory.ts';

const plain = {
  nodeName: '',
  bindingLabel: '',
  serviceAccount: 'default',
  finished: false,
};

function podOf(namespace: string, name: string, labels: Readonly<Record<string, string>>): PodView {
  return { ...plain, namespace, name, uid: name, labels };
}

/** Each label set of this kind counts 320 + 96 + 2 * 28 bytes. */
const oneOf = (namespace: string, name: string) => podOf(namespace, name, { app: name.padEnd(18, 'x') });
const each = 472;

function setUp(most?: { readonly ofNamespace: number; readonly inAll: number }) {
  const gone: string[] = [];
  const leftOut: string[] = [];
  const room = createLabelMemory(most, (namespace) => leftOut.push(namespace));
  const open = () => room.open(({ pod }) => gone.push(`${pod.namespace}/${pod.name}`));
  return { room, desk: open(), open, gone, leftOut };
}

let version = 0;
const fit = (desk: LabelDesk, pod: PodView) => desk.fit(pod, `${(version += 1)}`);
const isKept = ({ pod }: HeldPod) => pod.labels !== undefined;

test('labels of a namespace beyond its room are not kept, and those that go make room', () => {
  const { room, desk, leftOut } = setUp({ ofNamespace: each, inAll: 2 * each });
  const first = fit(desk, oneOf('shop', 'a'));
  const second = fit(desk, oneOf('shop', 'b'));
  expect([first, second].map(isKept)).toEqual([true, false]);
  expect(second.pod.labelsLeftOut).toBe(true);
  expect([room.leftOut(), leftOut]).toEqual([1, ['shop']]);
  desk.leave(first);
  expect(isKept(fit(desk, oneOf('shop', 'b')))).toBe(true);
  expect([room.leftOut(), room.used()]).toEqual([0, each]);
});

test('equal labels of a namespace are one object, and count once until the last pod goes', () => {
  const { room, desk } = setUp();
  const labels = { app: 'x'.repeat(18) };
  const held = Array.from({ length: 1000 }, (_, number) =>
    fit(desk, podOf('shop', `pod-${number}`, { ...labels })),
  );
  expect(new Set(held.map(({ pod }) => pod.labels)).size).toBe(1);
  expect(room.used('shop')).toBe(each);
  for (const one of held.slice(1)) desk.leave(one);
  expect(room.used('shop')).toBe(each);
  desk.leave(held[0]!);
  expect(room.used()).toBe(0);
});

test('a pod whose labels change all the time counts what it has now', () => {
  const { room, desk } = setUp();
  for (let number = 0; number < 5000; number += 1)
    fit(desk, podOf('shop', 'a', { app: `${number}`.padEnd(18, 'x') }));
  expect(room.used()).toBe(each);
});

test('a pod that changes without its labels has the same object', () => {
  const { desk } = setUp();
  const before = fit(desk, oneOf('shop', 'a')).pod.labels;
  expect(fit(desk, oneOf('shop', 'a')).pod.labels).toBe(before);
});

test('many short labels count what they take in memory', () => {
  const inAll = 512 * 1024;
  const { room, desk } = setUp({ ofNamespace: inAll / 2, inAll });
  const short = (prefix: string) =>
    Object.fromEntries(Array.from({ length: 100 }, (_, number) => [`${prefix}${number}`, '']));
  const held = Array.from({ length: 100 }, (_, number) =>
    fit(desk, podOf(`team-${number % 6}`, `pod-${number}`, short(`p${number}-`))),
  );
  const kept = held.filter(isKept).length;
  expect(kept).toBeGreaterThan(0);
  expect(kept * 100 * 96).toBeLessThan(inAll);
  expect(room.leftOut()).toBe(held.length - kept);
});

test('when all is full, a namespace with less takes from the one that has the most, until both have the same', () => {
  const { room, desk, gone } = setUp({ ofNamespace: 8 * each, inAll: 8 * each });
  const greedy = Array.from({ length: 8 }, (_, number) => fit(desk, oneOf('greedy', `pod-${number}`)));
  expect(greedy.filter(isKept)).toHaveLength(8);
  const late = Array.from({ length: 8 }, (_, number) => fit(desk, oneOf('late', `pod-${number}`)));
  expect(late.filter(isKept)).toHaveLength(4);
  expect(gone).toEqual(['greedy/pod-7', 'greedy/pod-6', 'greedy/pod-5', 'greedy/pod-4']);
  expect([room.used('greedy'), room.used('late'), room.leftOut()]).toEqual([4 * each, 4 * each, 8]);
  // Neither takes from the other afterwards.
  for (const name of ['pod-4', 'pod-5', 'pod-6', 'pod-7'])
    expect([oneOf('greedy', name), oneOf('late', name)].map((pod) => isKept(fit(desk, pod)))).toEqual([
      false,
      false,
    ]);
  expect(gone).toHaveLength(4);
});

test('a watch that ends takes nothing from what another one holds', () => {
  const { room, desk, open } = setUp();
  const other = open();
  const former = fit(desk, oneOf('shop', 'a'));
  const held = fit(other, oneOf('shop', 'a'));
  desk.leaveAll('shop');
  desk.leave(former);
  expect([room.used(), isKept(held), isKept(former)]).toEqual([each, true, false]);
  other.leave(held);
  other.leave(held);
  expect(room.used()).toBe(0);
});

test('the end of a pod takes nothing from one of the same name that came after it', () => {
  const { room, desk } = setUp();
  const former = fit(desk, oneOf('shop', 'a'));
  fit(desk, { ...oneOf('shop', 'a'), uid: 'second' });
  desk.leave(former);
  expect(room.used()).toBe(each);
});

test('a pod that goes after a list that failed had a newer version of it is gone', () => {
  const { room, desk } = setUp();
  const known = fit(desk, oneOf('shop', 'a'));
  fit(desk, oneOf('shop', 'a'));
  desk.leave(known);
  expect(room.used()).toBe(0);
});

test('pods that only a list that failed had are gone after a complete one', () => {
  const { room, desk, open } = setUp({ ofNamespace: 2 * each, inAll: 4 * each });
  const other = open();
  fit(other, oneOf('mail', 'a'));
  const names = ['a', 'b', 'c'];
  expect(names.map((name) => isKept(fit(desk, oneOf('shop', name))))).toEqual([true, true, false]);
  fit(desk, oneOf('pay', 'a'));
  desk.retain((key) => key === 'shop/b');
  expect([room.used('shop'), room.used('pay'), room.used('mail'), room.leftOut()]).toEqual([
    each,
    0,
    each,
    0,
  ]);
});

test('the newest label set goes first, also after others have gone', () => {
  const { desk, gone } = setUp({ ofNamespace: 6 * each, inAll: 6 * each });
  const [first, second, , fourth, fifth] = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) =>
    fit(desk, oneOf('greedy', name)),
  );
  for (const held of [first, fourth, fifth]) desk.leave(held!);
  for (const name of ['g', 'h', 'i']) fit(desk, oneOf('greedy', name));
  desk.leave(second!);
  for (const name of ['a', 'b', 'c']) fit(desk, oneOf('late', name));
  expect(gone).toEqual(['greedy/i', 'greedy/h']);
  fit(desk, oneOf('greedy', 'j'));
  fit(desk, oneOf('third', 'a'));
  expect(gone).toEqual(['greedy/i', 'greedy/h', 'greedy/g']);
});

test('a list again keeps the pod as it is, since the watch does', () => {
  const { desk } = setUp();
  const held = desk.fit(oneOf('shop', 'a'), '7');
  expect(desk.fit(oneOf('shop', 'a'), '7')).toBe(held);
});
