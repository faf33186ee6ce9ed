// A namespace with as many bindings as its share holds: what its pods cost is counted in bindings that are looked at. Between two looks at
// the thread's time other namespaces must get their turn.
import type { AzureIdentityBinding } from '@pod-identity/crd-types';
import { beforeEach, expect, test } from 'vitest';
import { binding, hostOf, identity, idOf, instanceOf, node } from '../../plan/test/builders.ts';
import type { BindingView, PodView } from '../views.ts';
import type { ClusterChange } from './cluster-change.ts';
import { ClusterIndex } from './cluster-index.ts';

const host = hostOf(instanceOf('vmss1')).id;
const crowd = 3_000;
/** Bindings that are looked at in one turn: 500, each at most three times, and those that decide. */
const ofOneTurn = 2_000;

let looks = 0;
beforeEach(() => void (looks = 0));

/** How many bindings were looked at. */
function looksOf(work: () => void): number {
  const before = looks;
  work();
  return looks - before;
}

const nameOf = (number: number) => `b-${String(number).padStart(4, '0')}`;

/** A binding that counts how often its conditions are read. */
function counted(view: BindingView): BindingView {
  if (view.kind !== 'valid') throw new TypeError('the binding is invalid');
  const { podSelector, ...others } = view.binding.spec;
  const spec: AzureIdentityBinding['spec'] = Object.defineProperty({ ...others }, 'podSelector', {
    enumerable: true,
    get() {
      looks += 1;
      return podSelector;
    },
  });
  return { ...view, binding: { ...view.binding, spec } };
}

function bind(index: ClusterIndex, key: string, spec: object): void {
  const [namespace = '', name = ''] = key.split('/');
  const view = counted(binding({ namespace, name, selector: '', spec: { ...spec } }));
  index.apply({ kind: 'binding', key: view.key, view });
}

function podChange(namespace: string, name: string, labels: Readonly<Record<string, string>>): ClusterChange {
  const label = labels['aadpodidbinding'];
  const view: PodView = {
    namespace,
    name,
    uid: name,
    nodeName: 'node-0',
    bindingLabel: label ?? '',
    ...(label === undefined && { isUnlabelled: true }),
    labels,
    serviceAccount: 'web',
    finished: false,
    createdAt: 0,
  };
  return { kind: 'pod', key: `${namespace}/${name}`, view };
}

function createIndex(forceNamespaced = true): ClusterIndex {
  const index = new ClusterIndex({ forceNamespaced });
  index.apply({ kind: 'node', key: 'node-0', view: node() });
  for (const namespace of ['crowded', 'pay']) {
    const view = identity({ namespace, name: 'reader', spec: { type: 0, resourceID: idOf(namespace) } });
    index.apply({ kind: 'identity', key: view.key, view });
  }
  bind(index, 'pay/own', { podSelector: { matchLabels: { app: 'pay' } } });
  return index;
}

function gather(index: ClusterIndex, specOf: (number: number) => object): void {
  for (let number = 0; number < crowd; number += 1) bind(index, `crowded/${nameOf(number)}`, specOf(number));
}

const exists = (key: string) => ({ key, operator: 'Exists' });
const notIn = (key: string, ...values: string[]) => ({ key, operator: 'NotIn', values });
const selecting = () => ({ podSelector: { matchExpressions: [exists('app')] } });
/** All other, and none of them selects a pod of the tier `db`. */
const missing = (number: number) => ({
  podSelector: { matchExpressions: [exists('app'), notIn('tier', 'db', `t-${number}`)] },
});

/** The bindings that are looked at in each turn until the pod is evaluated. */
function turnsUntil(index: ClusterIndex, key: string): number[] {
  const turns: number[] = [];
  while (index.isStale(key) && turns.length < 100) {
    let isFirst = true;
    const once = () => {
      const mayGoOn = isFirst;
      isFirst = false;
      return mayGoOn;
    };
    turns.push(looksOf(() => index.settleWhile(once)));
  }
  return turns;
}

test('attack: of thousands of bindings that all select a pod, no more are looked at for its event than count', () => {
  const index = createIndex();
  gather(index, selecting);
  for (let number = 0; number < 5; number += 1) {
    const key = `crowded/web-${number}`;
    const event = looksOf(() => index.apply(podChange('crowded', `web-${number}`, { app: `web-${number}` })));
    expect(event).toBeLessThan(ofOneTurn);
    for (const turn of turnsUntil(index, key)) expect(turn).toBeLessThan(ofOneTurn);
    const { usable } = index.rightsOf(key);
    expect(usable.map(({ binding: { metadata } }) => metadata.name)).toEqual([nameOf(0)]);
  }
  expect([...index.need(host)]).toEqual([[idOf('crowded'), 5]]);
});

test('attack: of thousands of bindings that a pod must be compared with, few are looked at in one turn, and another namespace comes after it', () => {
  const index = createIndex();
  gather(index, missing);
  bind(index, 'crowded/z-last', { podSelector: { matchExpressions: [exists('app')] } });
  const events = ['a', 'b'].map((name) =>
    looksOf(() => index.apply(podChange('crowded', name, { app: name, tier: 'db' }))),
  );
  expect(Math.max(...events)).toBeLessThan(ofOneTurn);
  index.apply(podChange('pay', 'web', { app: 'pay' }));
  bind(index, 'pay/own', { podSelector: { matchLabels: { app: 'pay' } }, serviceAccountName: 'web' });
  expect(index.isStale('pay/web')).toBe(true);
  expect(turnsUntil(index, 'pay/web').length).toBeLessThanOrEqual(2);
  const turns = turnsUntil(index, 'crowded/a');
  expect(turns.length).toBeGreaterThan(1);
  expect(Math.max(...turns)).toBeLessThan(ofOneTurn);
  index.settle();
  expect([...index.need(host)].sort()).toEqual([
    [idOf('crowded'), 2],
    [idOf('pay'), 1],
  ]);
});

/** Four pods of the namespace with the crowd of bindings, all settled. */
function planned() {
  const index = createIndex();
  gather(index, missing);
  const pods = Array.from({ length: 4 }, (_, number) =>
    podChange('crowded', `web-${number}`, { app: `${number}`, tier: 'db' }),
  );
  for (const one of pods) index.apply(one);
  index.settle();
  return { index, pods };
}

test('attack: a pod that is planned, or looked at for a message, after copies of bindings have changed, is compared with none again', () => {
  const { index, pods } = planned();
  const written = looksOf(() => bind(index, `crowded/${nameOf(7)}`, missing(7)));
  expect(written).toBeLessThan(ofOneTurn);
  const asked = looksOf(() => pods.forEach(({ view }) => index.matchSetOf(view as PodView)));
  expect([asked, pods.some(({ key }) => index.isStale(key))]).toEqual([0, false]);
});

test('attack: while the bindings change all the time, no pod that may be planned is compared with all of them', () => {
  const { index, pods } = planned();
  const asked = looksOf(() => {
    bind(index, `crowded/${nameOf(7)}`, missing(-7));
    for (const { key, view } of pods) if (!index.isStale(key)) index.matchSetOf(view as PodView);
  });
  expect(asked).toBeLessThan(ofOneTurn);
  index.settle();
  expect(pods.some(({ key }) => index.isStale(key))).toBe(false);
});

test('after a change of one of thousands of bindings a pod gets what they give it now', () => {
  const index = createIndex();
  gather(index, missing);
  const change = podChange('crowded', 'web', { app: 'web', tier: 'db' });
  index.apply(change);
  const given = () => {
    index.settle();
    return index.rightsOf(change.key).usable.map(({ binding: { metadata } }) => metadata.name);
  };
  expect(given()).toEqual([]);
  bind(index, `crowded/${nameOf(7)}`, selecting());
  expect(given()).toEqual([nameOf(7)]);
  index.apply({ kind: 'binding', key: `crowded/${nameOf(7)}`, view: undefined });
  expect(given()).toEqual([]);
});

test('attack: an editor who changes one of thousands of bindings all the time does not keep a term from its first decision', () => {
  const index = createIndex();
  gather(index, missing);
  for (let number = 0; number < 3; number += 1)
    index.apply(podChange('crowded', `web-${number}`, { app: `${number}`, tier: 'db' }));
  index.apply(podChange('pay', 'web', { app: 'pay' }));
  const steps = index.settleEach();
  let taken = 0;
  for (; taken < 1_000 && steps.next().done !== true; taken += 1)
    bind(index, `crowded/${nameOf(7)}`, missing(-1 - taken));
  expect(taken).toBeLessThan(500);
  expect([...index.need(host)]).toEqual([[idOf('pay'), 1]]);
  index.settle();
  expect([...index.need(host).keys()]).toEqual([idOf('pay')]);
});

test.each([
  ['its own', 'crowded'],
  ['another', 'pay'],
])(
  'attack: a pod is not compared with thousands of bindings of %s namespace that have its label and other conditions',
  (_, namespace) => {
    const index = createIndex(false);
    gather(index, (number) => ({ selector: 'demo', serviceAccountName: `nobody-${number}` }));
    bind(index, 'crowded/z-plain', { selector: 'demo' });
    const key = `${namespace}/web`;
    const event = looksOf(() => index.apply(podChange(namespace, 'web', { aadpodidbinding: 'demo' })));
    expect(event).toBeLessThan(ofOneTurn);
    for (const turn of turnsUntil(index, key)) expect(turn).toBeLessThan(ofOneTurn);
    expect(index.rightsOf(key).usable.map(({ identityKey }) => identityKey)).toEqual(['crowded/reader']);
  },
);

test('a pod with the label of bindings with other conditions alone is told of the first of them', () => {
  const index = createIndex();
  gather(index, () => ({ selector: 'demo', serviceAccountName: 'nobody' }));
  const change = podChange('crowded', 'web', { aadpodidbinding: 'demo' });
  index.apply(change);
  index.settle();
  expect(index.matchSetOf(change.view as PodView).mismatches).toEqual([
    { reason: 'not-selected', binding: `crowded/${nameOf(0)}`, identity: 'crowded/reader' },
  ]);
});
