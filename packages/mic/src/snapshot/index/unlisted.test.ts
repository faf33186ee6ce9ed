// What the pods of a namespace have is kept while not all of them are known.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { skipsOf } from '../../plan/desired.ts';
import { Records } from '../../plan/records.ts';
import { planHost } from '../../plan/plan.ts';
import {
  binding,
  facts,
  hostOf,
  identity,
  idOf,
  instanceOf,
  node,
  now,
  pod,
  rules,
} from '../../plan/test/builders.ts';
import { ClusterIndex } from './cluster-index.ts';

const host = hostOf(instanceOf('vmss1'));
const reader = idOf('reader');

/** `shop` is not listed: its binding waits. `pay` is known. */
function setUp({ forceNamespaced = true } = {}) {
  const index = new ClusterIndex({ forceNamespaced });
  index.apply({ kind: 'node', key: 'node-0', view: node() });
  for (const namespace of ['shop', 'pay'])
    index.apply({ kind: 'identity', key: `${namespace}/reader`, view: identity({ namespace }) });
  const inPay = binding({ namespace: 'pay' });
  index.apply({ kind: 'binding', key: inPay.key, view: inPay });
  for (const namespace of ['shop', 'pay'])
    index.apply({ kind: 'pod', key: `${namespace}/web-0`, view: pod({ namespace }) });
  index.unlisted.add(['shop']);
  index.settle();
  const names = ['reader', 'other'];
  const known = facts(host, names, {
    oursNames: names,
    idleSince: new Map(names.map((name) => [idOf(name), now - 3_600_000])),
  });
  const plan = () => planHost(index, host.id, { facts: known, now, rules, records: new Records() });
  const steps = () =>
    plan().steps.map((step) =>
      step.kind === 'delete'
        ? `delete of ${step.current.podNamespace}/${step.current.podName}`
        : `${step.kind} of ${step.assignment.pod.namespace}/${step.assignment.pod.name}`,
    );
  return { index, steps, detached: () => plan().detach };
}

test('nothing is written for its pods, and nothing is attached for them', () => {
  const { index, steps } = setUp();
  expect(steps()).toEqual(['create of pay/web-0']);
  expect([index.need(host.id).get(reader), index.granted(host.id).get(reader)]).toEqual([1, 1]);
  expect(skipsOf(index, 'shop/web-0')).toMatchObject([{ reason: 'not-listed' }]);
});

test('nothing that its pods may have is detached until it is listed; what only others may have is', () => {
  const { index, detached } = setUp();
  index.apply({ kind: 'pod', key: 'pay/web-0', view: undefined });
  index.settle();
  expect(detached()).toEqual([idOf('other')]);
  for (const one of [...index.dirtyHosts()]) index.takeDirty(one);
  index.unlisted.delete('shop');
  index.settle();
  expect([...index.dirtyHosts()]).toEqual([host.id]);
  expect(detached()).toEqual([idOf('other'), reader]);
});

test('nothing at all is detached until then where its pods may have identities of other namespaces', () => {
  const { index, detached } = setUp({ forceNamespaced: false });
  index.apply({ kind: 'pod', key: 'pay/web-0', view: undefined });
  index.settle();
  expect(detached()).toEqual([]);
});

test('once it is listed all its pods are looked at', () => {
  const { index, steps } = setUp();
  for (const one of [...index.dirtyHosts()]) index.takeDirty(one);
  index.unlisted.delete('shop');
  index.settle();
  expect([...index.takeDirty(host.id)].sort()).toEqual(['shop/web-0']);
  expect(steps()).toEqual(['create of pay/web-0']);
  expect(index.need(host.id).get(reader)).toBe(1);
  index.unlisted.delete('shop');
});

test('a pod that is gone meanwhile is forgotten', () => {
  const { index, steps } = setUp();
  index.apply({ kind: 'pod', key: 'shop/web-0', view: undefined });
  index.settle();
  index.unlisted.delete('shop');
  expect([steps(), index.need(host.id).get(reader)]).toEqual([['create of pay/web-0'], 1]);
});

const namespaces = fc.constantFrom('shop', 'pay');
const podName = fc.constantFrom('web-0', 'web-1');
const step = fc.oneof(
  fc.record({ kind: fc.constant('pod'), namespace: namespaces, podName, isThere: fc.boolean() }),
  fc.record({ kind: fc.constant('listed'), namespace: namespaces, isThere: fc.boolean() }),
  fc.record({ kind: fc.constant('settle') }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

function take(index: ClusterIndex, one: Step): void {
  if (one.kind === 'settle') index.settle();
  else if (one.kind === 'listed') {
    if (one.isThere) index.unlisted.delete(one.namespace);
    else index.unlisted.add([one.namespace]);
  } else {
    const view = one.isThere ? pod({ namespace: one.namespace, name: one.podName }) : undefined;
    index.apply({ kind: 'pod', key: `${one.namespace}/${one.podName}`, view });
  }
}

test('in any history, what its pods may have may be needed while it is not listed, and is the same as ever once it is', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const [late, known] = [setUp().index, setUp().index];
      for (const namespace of ['shop', 'pay']) known.unlisted.delete(namespace);
      for (const one of steps) {
        take(late, one);
        if (one.kind !== 'listed') take(known, one);
      }
      late.settle();
      const isUnlisted = ['shop', 'pay'].some((one) => late.unlisted.has(one));
      expect([late.mayBeNeeded(reader), known.mayBeNeeded(reader)]).toEqual([isUnlisted, false]);
      for (const namespace of ['shop', 'pay']) late.unlisted.delete(namespace);
      for (const one of [late, known]) one.settle();
      expect(new Map([...late.need(host.id)].sort())).toEqual(new Map([...known.need(host.id)].sort()));
      expect(late.granted(host.id)).toEqual(known.granted(host.id));
      expect([...late.podKeysOn(host.id)].sort()).toEqual([...known.podKeysOn(host.id)].sort());
    }),
    { numRuns: 300 },
  );
});
