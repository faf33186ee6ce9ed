// What the pods of a namespace have is kept while not all of them are known.
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

test('a record that is gone meanwhile is forgotten', () => {
  const { index, steps } = setUp();
  for (const name of ['unlabelled', 'web-0'])
    index.apply({ kind: 'assigned', key: `shop/${assignedName(name)}`, view: undefined });
  index.apply({ kind: 'pod', key: 'shop/web-0', view: undefined });
  index.unlisted.delete('shop');
  expect(index.hasStale).toBe(false);
  expect([steps(), index.need(host.id).get(reader)]).toEqual([['create of pay/web-0'], 1]);
});

const assignedName = (podName: string) => `${podName}-shop-reader`;
