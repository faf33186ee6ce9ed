// What the pods of a namespace have is kept while not all of them are known.
import type { ResourceId } from '@pod-identity/crd-types';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { skipsOf } from '../../plan/desired.ts';
import { planHost } from '../../plan/plan.ts';
import {
  assigned,
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
import type { AssignedView } from '../views.ts';
import { ClusterIndex } from './cluster-index.ts';

const host = hostOf(instanceOf('vmss1'));
const reader = idOf('reader');

/** `shop` is not listed: its binding waits, and a pod without the label has a record. `pay` is known. */
function setUp() {
  const index = new ClusterIndex({ forceNamespaced: true });
  index.apply({ kind: 'node', key: 'node-0', view: node() });
  for (const namespace of ['shop', 'pay'])
    index.apply({ kind: 'identity', key: `${namespace}/reader`, view: identity({ namespace }) });
  const inPay = binding({ namespace: 'pay' });
  index.apply({ kind: 'binding', key: inPay.key, view: inPay });
  for (const namespace of ['shop', 'pay'])
    index.apply({ kind: 'pod', key: `${namespace}/web-0`, view: pod({ namespace }) });
  index.unlisted.add(['shop']);
  for (const podName of ['web-0', 'unlabelled']) {
    const view = assigned({
      namespace: 'shop',
      podNamespace: 'shop',
      podName,
      identity: { namespace: 'shop' },
    });
    index.apply({ kind: 'assigned', key: `shop/${view.name}`, view });
  }
  index.settle();
  const known = facts(host, ['reader'], { oursNames: ['reader'] });
  const steps = () =>
    planHost(index, host.id, { facts: known, now, rules }).steps.map((step) =>
      step.kind === 'delete'
        ? `delete of ${step.current.podNamespace}/${step.current.podName}`
        : `${step.kind} of ${step.assignment.pod.namespace}/${step.assignment.pod.name}`,
    );
  return { index, steps };
}

test('nothing is written for its pods, what they have stays attached, and nothing is attached for them', () => {
  const { index, steps } = setUp();
  expect(steps()).toEqual(['create of pay/web-0']);
  expect([index.need(host.id).get(reader), index.granted(host.id).get(reader)]).toEqual([3, 1]);
  expect(skipsOf(index, 'shop/web-0')).toMatchObject([{ reason: 'not-listed' }]);
});

test('once it is listed all its pods are looked at, also those that are gone', () => {
  const { index, steps } = setUp();
  for (const one of [...index.dirtyHosts()]) index.takeDirty(one);
  index.unlisted.delete('shop');
  index.settle();
  expect([...index.takeDirty(host.id)].sort()).toEqual(['shop/unlabelled', 'shop/web-0']);
  expect(steps()).toEqual(['create of pay/web-0', 'delete of shop/unlabelled', 'delete of shop/web-0']);
  expect(index.need(host.id).get(reader)).toBe(1);
  index.unlisted.delete('shop');
  expect(index.hasStale).toBe(false);
});

test('a record of a pod that is gone is looked at too if it came just before its namespace is listed', () => {
  const { index } = setUp();
  for (const one of [...index.dirtyHosts()]) index.takeDirty(one);
  const names = { namespace: 'shop', podNamespace: 'shop', podName: 'gone' };
  const view = assigned({ ...names, identity: { namespace: 'shop' } });
  index.apply({ kind: 'assigned', key: `shop/${view.name}`, view });
  index.unlisted.delete('shop');
  expect(index.settle().takeDirty(host.id)).toContain('shop/gone');
});

test('a record that comes before its namespace is known to be unlisted counts too, and its pod is looked at once it is listed', () => {
  const { index } = setUp();
  const names = { namespace: 'late', podNamespace: 'late', podName: 'gone' };
  const view = assigned({ ...names, identity: { namespace: 'late', name: 'other' } });
  index.apply({ kind: 'assigned', key: `late/${view.name}`, view });
  index.settle().unlisted.add(['late']);
  expect(index.settle().need(host.id).get(idOf('other'))).toBe(1);
  for (const one of [...index.dirtyHosts()]) index.takeDirty(one);
  index.unlisted.delete('late');
  expect(index.settle().need(host.id).has(idOf('other'))).toBe(false);
  expect(index.takeDirty(host.id)).toContain('late/gone');
});

test('a record that is gone meanwhile is forgotten', () => {
  const { index, steps } = setUp();
  for (const name of ['unlabelled', 'web-0'])
    index.apply({ kind: 'assigned', key: `shop/${assignedName(name)}`, view: undefined });
  index.apply({ kind: 'pod', key: 'shop/web-0', view: undefined });
  index.settle();
  index.unlisted.delete('shop');
  expect(index.hasStale).toBe(false);
  expect([steps(), index.need(host.id).get(reader)]).toEqual([['create of pay/web-0'], 1]);
});

test('attack: records that another namespace writes about one of its pods, any number, cost the same each', () => {
  const { index } = setUp();
  let looks = 0;
  const count = 2_000;
  for (let n = 0; n < count; n += 1) {
    const { resourceId, ...fields } = assigned({ namespace: 'evil', name: `forged-${n}` });
    const view = {
      ...fields,
      get resourceId() {
        looks += 1;
        return resourceId;
      },
    } as AssignedView;
    index.apply({ kind: 'assigned', key: `evil/forged-${n}`, view });
  }
  index.settle();
  expect(index.assignedOf('shop/web-0')).toHaveLength(count + 1);
  expect(looks).toBeLessThan(10 * count);
});

const namespaces = fc.constantFrom('shop', 'pay');
const podName = fc.constantFrom('web-0', 'web-1');
const step = fc.oneof(
  fc.record({ kind: fc.constant('pod'), namespace: namespaces, podName, isThere: fc.boolean() }),
  fc.record({
    kind: fc.constant('assigned'),
    namespace: namespaces,
    podName,
    isThere: fc.boolean(),
    name: fc.constantFrom('reader', 'writer'),
  }),
  fc.record({ kind: fc.constant('listed'), namespace: namespaces, isThere: fc.boolean() }),
  fc.record({ kind: fc.constant('settle'), pods: fc.nat(2) }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

function take(index: ClusterIndex, one: Step): void {
  if (one.kind === 'settle') {
    let left = one.pods;
    index.settleWhile(() => (left -= 1) >= 0);
  } else if (one.kind === 'listed') {
    if (one.isThere) index.unlisted.delete(one.namespace);
    else index.unlisted.add([one.namespace]);
  } else if (one.kind === 'pod') {
    const view = one.isThere ? pod({ namespace: one.namespace, name: one.podName }) : undefined;
    index.apply({ kind: 'pod', key: `${one.namespace}/${one.podName}`, view });
  } else {
    const { namespace, podName: name, name: of } = one;
    const view = assigned({
      namespace,
      podNamespace: namespace,
      podName: name,
      identity: { namespace, name: of },
    });
    const key = `${namespace}/${view.name}`;
    index.apply({ kind: 'assigned', key, view: one.isThere ? view : undefined });
  }
}

/** What the pods of namespaces that are not listed have. */
function whatIsKept(index: ClusterIndex): readonly ResourceId[] {
  const unlisted = ['shop', 'pay'].filter((one) => index.unlisted.has(one));
  const pods = unlisted.flatMap((namespace) => index.podsIn(namespace));
  return pods.flatMap((key) => index.assignedOf(key)).flatMap(({ resourceId }) => resourceId ?? []);
}

test('in any history, what its pods have counts while it is not listed, and the same as ever once it is', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const [late, known] = [setUp().index, setUp().index];
      for (const namespace of ['shop', 'pay']) known.unlisted.delete(namespace);
      for (const one of steps) {
        take(late, one);
        if (one.kind !== 'listed') take(known, one);
      }
      late.settle();
      for (const id of whatIsKept(late)) expect(late.need(host.id).has(id)).toBe(true);
      for (const namespace of ['shop', 'pay']) late.unlisted.delete(namespace);
      for (const one of [late, known]) one.settle();
      expect(new Map([...late.need(host.id)].sort())).toEqual(new Map([...known.need(host.id)].sort()));
      expect(late.granted(host.id)).toEqual(known.granted(host.id));
      expect([...late.podKeysOn(host.id)].sort()).toEqual([...known.podKeysOn(host.id)].sort());
    }),
    { numRuns: 300 },
  );
});

const assignedName = (podName: string) => `${podName}-shop-reader`;
