// Pods that changes of other objects concern are settled later and in the turns of their namespaces: many changes at once cost as much
// as one, and one namespace does not keep others waiting.
import { accessTargetKey } from '@pod-identity/crd-types';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { PairRegistry } from '../../access/pair-registry.ts';
import { binding, hostOf, identity, idOf, instanceOf, node, pod } from '../../plan/test/builders.ts';
import { createTrims } from '../trims.ts';
import type { ClusterChange } from './cluster-change.ts';
import { ClusterIndex } from './cluster-index.ts';
import { Matching } from './matching.ts';
import type { AccessGroup } from './rights.ts';
import { StaleEntries } from './stale-entries.ts';

const host = hostOf(instanceOf('vmss1')).id;

class CountingBook extends PairRegistry<AccessGroup> {
  held = 0;

  override hold(group: AccessGroup): void {
    this.held += 1;
    super.hold(group);
  }
}

function createWorld() {
  const registry = new CountingBook({ pairsPerNamespace: 10_000, recheckMs: 300_000 });
  const index = new ClusterIndex({ forceNamespaced: true }, { mode: 'rbac', registry });
  index.apply({ kind: 'node', key: 'node-0', view: node() });
  return { registry, index };
}

const identityChange = (namespace: string, name: string, resource = name): ClusterChange => ({
  kind: 'identity',
  key: `${namespace}/${name}`,
  view: identity({ namespace, name, spec: { type: 0, resourceID: idOf(resource) } }),
});
const bindingChange = (namespace: string, azureIdentity: string, spec: object = {}): ClusterChange => {
  const view = binding({ namespace, azureIdentity, spec: { ...spec } });
  return { kind: 'binding', key: view.key, view };
};
const podChange = (key: string, serviceAccount: string, label = 'demo'): ClusterChange => {
  const [namespace = '', name = ''] = key.split('/');
  return { kind: 'pod', key, view: pod({ namespace, name, serviceAccount, label }) };
};

test('a burst of edits of a namespace is evaluated once for each of its ServiceAccounts', () => {
  const { registry, index } = createWorld();
  for (let number = 0; number < 100; number += 1)
    index.apply(podChange(`shop/pod-${number}`, `account-${number % 10}`));
  index.settle();
  registry.held = 0;
  for (let number = 0; number < 100; number += 1) {
    index.apply(identityChange('shop', `id-${number}`));
    index.apply(bindingChange('shop', `id-${number}`));
  }
  expect(index.settle().need(host).size).toBe(100);
  expect(registry.held).toBe(10);
});

const trims = createTrims();
const labelledPod = (namespace: string, labels: object) =>
  trims.wholePod({
    metadata: { namespace, name: 'web-0', uid: 'uid-web-0', labels },
    spec: { nodeName: 'node-0', serviceAccountName: 'web' },
    status: { phase: 'Running' },
  });

test.each([{ podSelector: { matchLabels: { app: 'web' } } }, { serviceAccountName: 'web' }])(
  'an edit of another namespace with the label of pods that have bindings of their own takes no grant of theirs: %j',
  (selecting) => {
    const { index } = createWorld();
    index.apply({
      kind: 'pod',
      key: 'shop/web-0',
      view: labelledPod('shop', { app: 'web', aadpodidbinding: 'demo' }),
    });
    index.apply(identityChange('shop', 'reader'));
    const own = binding({ namespace: 'shop', azureIdentity: 'reader', selector: '', spec: selecting });
    index.apply({ kind: 'binding', key: own.key, view: own });
    expect(index.settle().need(host).size).toBe(1);
    index.apply(bindingChange('evil', 'none'));
    expect(index.isStale('shop/web-0')).toBe(false);
  },
);

const namespace = fc.constantFrom('shop', 'pay');
const name = fc.constantFrom('a', 'b', 'c');
const account = fc.constantFrom('web', 'batch');
const change: fc.Arbitrary<ClusterChange> = fc.oneof(
  fc
    .tuple(namespace, name, account, fc.constantFrom('demo', 'other'))
    .map(([ns, one, ...of]) => podChange(`${ns}/${one}`, ...of)),
  fc
    .tuple(namespace, name)
    .map(([ns, one]) => ({ kind: 'pod' as const, key: `${ns}/${one}`, view: undefined })),
  fc.tuple(namespace, name, name).map((of) => identityChange(...of)),
  fc
    .tuple(namespace, name)
    .map(([ns, one]) => ({ kind: 'identity' as const, key: `${ns}/${one}`, view: undefined })),
  fc
    .tuple(namespace, name, fc.constantFrom({}, { selector: '', serviceAccountName: 'web' }))
    .map((of) => bindingChange(...of)),
  fc
    .tuple(namespace, name)
    .map(([ns, one]) => ({ kind: 'binding' as const, key: `${ns}/${one}-binding`, view: undefined })),
  fc.tuple(namespace, fc.constantFrom('true', 'false')).map(([ns, team]) => ({
    kind: 'namespace' as const,
    key: ns,
    view: { name: ns, labels: { team }, access: undefined },
  })),
);

/** Allowed or denied, always the same for a pair. */
function answerAll({ registry, index }: ReturnType<typeof createWorld>): void {
  for (let pair = registry.next(0); pair; pair = registry.next(0)) {
    const isAllowed = `${pair.subject.name}${accessTargetKey(pair.target)}`.length % 2 === 0;
    const answer = isAllowed ? ({ kind: 'allowed', level: 0 } as const) : ({ kind: 'refused' } as const);
    index.rightsChanged(registry.record(pair, answer, { now: 0, chance: 1 }));
  }
}

function seen({ index }: ReturnType<typeof createWorld>) {
  const pods = ['shop', 'pay'].flatMap((one) => [...index.podsIn(one)]).sort();
  const sorted = (counts: ReadonlyMap<string, number>) => [...counts].sort();
  return {
    needs: sorted(index.need(host)),
    grants: sorted(index.granted(host)),
    uses: [...index.concernedBy(host)].sort(),
    pods: pods.map((key) => {
      const { usable, barred } = index.rightsOf(key);
      const of = (list: readonly { readonly identityKey: string }[]) => list.map((one) => one.identityKey);
      return [key, of(usable), of(barred.map(({ match }) => match))];
    }),
  };
}

function settleFirst(index: ClusterIndex, pods: number): void {
  let left = pods;
  index.settleWhile(() => (left -= 1) >= 0);
}

function settleAll(world: ReturnType<typeof createWorld>): void {
  world.index.settle();
  answerAll(world);
  world.index.settle();
}

/** A change, how many pods are settled after it, and whether the API server answers then. */
const step = fc.record({ change, settled: fc.nat(3), answers: fc.boolean() });

test('whenever pods are settled, the index is the same in the end, and no pod has more before', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.nat(100), (steps, chosen) => {
      const [late, early] = [createWorld(), createWorld()];
      for (const one of steps) {
        for (const { index } of [late, early]) index.apply(one.change);
        settleAll(early);
        settleFirst(late.index, one.settled);
        if (one.answers) answerAll(late);
        for (const id of late.index.granted(host).keys()) expect(early.index.granted(host)).toContain(id);
        const pods = late.index.podsIn('shop');
        const key = pods[chosen % pods.length] ?? '';
        const usable = ({ index }: typeof late) =>
          index.rightsOf(key).usable.map(({ identityKey, meaning }) => `${identityKey} ${meaning}`);
        expect(usable(early)).toEqual(expect.arrayContaining(usable(late)));
      }
      for (const world of [late, early]) settleAll(world);
      expect(seen(late)).toEqual(seen(early));
      expect(late.registry.census()).toEqual(early.registry.census());
      expect(late.index.hasStale).toBe(false);
    }),
    { numRuns: 500 },
  );
});

/** Edits of `shop`, where 50 pods have ServiceAccounts of their own and 20 identities, then one of `pay`. */
function editShopThenPay({ registry, index }: ReturnType<typeof createWorld>): void {
  index.apply(identityChange('pay', 'card'));
  index.apply(podChange('pay/web', 'web'));
  for (let number = 0; number < 50; number += 1) index.apply(podChange(`shop/pod-${number}`, `sa-${number}`));
  for (let number = 0; number < 20; number += 1) {
    index.apply(identityChange('shop', `id-${number}`));
    index.apply(bindingChange('shop', `id-${number}`));
  }
  settleAll({ registry, index });
  for (const one of [...index.dirtyHosts()]) index.takeDirty(one);
  index.apply(identityChange('shop', 'id-7', 'other'));
  index.apply(bindingChange('pay', 'card'));
  registry.held = 0;
}

test('attack: edits, again and again, look at no pod that is stale already, and at no pod of a namespace that they do not concern', () => {
  const { index } = createWorld();
  for (const one of ['shop', 'pay']) {
    index.apply(identityChange(one, 'reader'));
    index.apply(bindingChange(one, 'reader'));
    for (let number = 0; number < 100; number += 1) index.apply(podChange(`${one}/pod-${number}`, 'web'));
  }
  index.settle();
  const expired = vi.spyOn(StaleEntries.prototype, 'add');
  const asked = vi.spyOn(Matching.prototype, 'concernedIn');
  for (let number = 0; number < 20; number += 1) {
    index.apply(identityChange('shop', 'reader', `id-${number}`));
    settleFirst(index, 1);
  }
  expect([expired.mock.calls.length, asked.mock.calls.length < 100]).toEqual([100 + 19, true]);
  for (const spy of [expired, asked]) spy.mockRestore();
});

function worldThatAcceptsShared() {
  const world = createWorld();
  const labels = { 'identities-from.aadpodidentity.k8s.io/shared': 'true' };
  world.index.apply({ kind: 'namespace', key: 'pay', view: { name: 'pay', labels, access: undefined } });
  for (const one of [identityChange('pay', 'card'), bindingChange('pay', 'card')]) world.index.apply(one);
  const share = (name: string, allowed: readonly string[] | undefined, resource = name) => {
    const allowedNamespaces = allowed && { allowedNamespaces: { names: allowed } };
    const spec = { type: 0, resourceID: idOf(resource), ...allowedNamespaces };
    const view = identity({ namespace: 'shared', name, spec });
    world.index.apply({ kind: 'identity', key: view.key, view });
  };
  const matched = () => world.index.matchSet('pay', 'demo').matches.map(({ identityKey }) => identityKey);
  return { ...world, share, matched };
}

test('attack: edits of identities that do not allow a namespace evaluate none of its pods again, although it accepts such identities', () => {
  const { index, share, matched } = worldThatAcceptsShared();
  for (let number = 0; number < 20; number += 1) index.apply(podChange(`pay/pod-${number}`, 'web'));
  for (const name of ['nobodys', 'anothers']) index.apply(bindingChange('shared', name));
  index.settle();
  const expired = vi.spyOn(StaleEntries.prototype, 'add');
  for (let number = 0; number < 1_000; number += 1) {
    share('nobodys', undefined, `id-${number}`);
    share('anothers', ['shop'], `id-${number}`);
    index.apply(bindingChange('shared', 'nobodys', number % 2 === 0 ? { selector: 'other' } : {}));
    index.settle();
  }
  expect([expired.mock.calls.length, matched()]).toEqual([0, ['pay/card']]);
  share('anothers', ['shop', 'pay']);
  expect([expired.mock.calls.length, matched()]).toEqual([20, ['pay/card', 'shared/anothers']]);
  share('anothers', ['shop']);
  expect(matched()).toEqual(['pay/card']);
  expired.mockRestore();
});

test('an identity of another namespace counts as soon as few enough come before it, whomever those allow', () => {
  const { index, share, matched } = worldThatAcceptsShared();
  const nameOf = (number: number) => `id-${String(number).padStart(3, '0')}`;
  index.apply(podChange('pay/web', 'web'));
  for (let number = 0; number <= 101; number += 1) {
    share(nameOf(number), number < 100 ? ['shop'] : ['pay']);
    index.apply(bindingChange('shared', nameOf(number)));
  }
  index.settle();
  expect(matched()).toEqual(['pay/card']);
  index.apply({ kind: 'binding', key: 'shared/id-007-binding', view: undefined });
  expect([index.isStale('pay/web'), matched()]).toEqual([true, ['pay/card', 'shared/id-100']]);
  index.settle();
  share(nameOf(9), undefined);
  expect([index.isStale('pay/web'), matched()]).toEqual([
    true,
    ['pay/card', 'shared/id-100', 'shared/id-101'],
  ]);
});

test('attack: an edit of an identity that many bindings without a label name does not compare each of them with each pod', () => {
  const { index } = createWorld();
  index.apply(identityChange('shop', 'reader'));
  let looks = 0;
  for (let number = 0; number < 300; number += 1) {
    const view = binding({
      namespace: 'shop',
      name: `b-${number}`,
      spec: { selector: '', serviceAccountName: 'account' },
    });
    if (view.kind !== 'valid') throw new TypeError('the binding is invalid');
    const spec = {
      ...view.binding.spec,
      get serviceAccountName() {
        looks += 1;
        return `account-${number}`;
      },
    };
    index.apply({ kind: 'binding', key: view.key, view: { ...view, binding: { ...view.binding, spec } } });
  }
  for (let number = 0; number < 100; number += 1)
    index.apply(podChange(`shop/pod-${number}`, number === 7 ? 'account-7' : 'another'));
  index.settle();
  expect(index.need(host).has(idOf('reader'))).toBe(true);
  looks = 0;
  index.apply(identityChange('shop', 'reader', 'other'));
  expect(looks).toBeLessThan(3_000);
  expect([...index.settle().need(host).keys()]).toEqual([idOf('other')]);
});

test('an edit of a namespace with many pods delays the pods of others by one pod', () => {
  const world = createWorld();
  editShopThenPay(world);
  settleFirst(world.index, 2);
  expect(world.index.takeDirty(host)).toContain('pay/web');
  expect(world.registry.held).toBe(2);
});

test('an edit of a binding without a selector evaluates only pods that it selects or selected, and delays those of others by one pod', () => {
  const { index } = createWorld();
  for (let number = 0; number < 90; number += 1)
    index.apply(podChange(`shop/pod-${number}`, `sa-${number % 3}`));
  for (const one of [podChange('pay/web', 'web', 'pay'), identityChange('pay', 'card')]) index.apply(one);
  const bind = (serviceAccountName: string) =>
    index.apply(bindingChange('shop', 'reader', { selector: '', serviceAccountName }));
  bind('sa-0');
  index.settle();
  bind('sa-1');
  index.apply(bindingChange('pay', 'card', { selector: 'pay' }));
  settleFirst(index, 2);
  const stale = [...index.podsIn('shop'), 'pay/web'].filter((key) => index.isStale(key));
  expect([stale.length, index.isStale('pay/web')]).toEqual([59, false]);
  expect(stale).not.toContain('shop/pod-2');
  expect(index.takeDirty(host)).toContain('pay/web');
});

test('attack: an answer about a right that many pods need, all with other matches, evaluates them in their turns', () => {
  const { registry, index } = createWorld();
  index.apply(identityChange('shop', 'reader'));
  for (let number = 0; number < 50; number += 1) {
    const view = binding({ namespace: 'shop', name: `b-${number}`, selector: `label-${number}` });
    index.apply({ kind: 'binding', key: view.key, view });
    index.apply(podChange(`shop/pod-${number}`, 'web', `label-${number}`));
  }
  index.settle();
  const pair = registry.next(0);
  const looks = vi.spyOn(registry, 'verdict');
  if (pair) index.rightsChanged(registry.record(pair, { kind: 'allowed', level: 0 }, { now: 0, chance: 1 }));
  expect([looks.mock.calls.length, index.granted(host).size]).toEqual([0, 0]);
  settleFirst(index, 1);
  expect([...index.granted(host).values()]).toEqual([1]);
  expect(looks.mock.calls.length).toBeLessThan(5);
  index.settle();
  expect([...index.granted(host).values()]).toEqual([50]);
});

test('no question about a pod or its host settles pods', () => {
  const world = createWorld();
  editShopThenPay(world);
  const { index, registry } = world;
  expect(index.rightsOf('pay/web')).toEqual({ usable: [], barred: [], warned: [] });
  const questions = [
    () => index.need(host),
    () => index.granted(host),
    () => index.needRevision(host),
    () => index.concernedBy(host),
    () => index.hostsUsing('pay/card'),
    () => index.denied('pay/card'),
    () => index.dirtyHosts(),
    () => index.takeDirty(host),
    () => index.takeConcerned(),
  ];
  for (const ask of questions) ask();
  expect(registry.held).toBe(0);
  expect([index.isStale('pay/web'), index.isStale('shop/pod-0')]).toEqual([true, true]);
  settleFirst(index, 2);
  expect([index.isStale('pay/web'), index.rightsOf('pay/web').barred.length]).toEqual([false, 1]);
});

test('until a pod is settled nothing is attached for it, and what it needed stays', () => {
  const world = createWorld();
  const { index } = world;
  for (const change of [identityChange('shop', 'reader'), bindingChange('shop', 'reader')])
    index.apply(change);
  // One of them is allowed to use it, see `answerAll`.
  for (const account of ['web', 'jobs']) index.apply(podChange(`shop/${account}`, account));
  settleAll(world);
  const counted = () => [index.need(host), index.granted(host)].map((ids) => [...ids.values()]);
  const before = counted();
  index.apply({ kind: 'binding', key: 'shop/reader-binding', view: undefined });
  expect(before).toEqual([[1], [1]]);
  expect(counted()).toEqual([[1], []]);
  index.settle();
  expect(counted()).toEqual([[], []]);
});

test('after an edit only pods that get something else are planned, and the host again for what others got back', () => {
  const index = new ClusterIndex({ forceNamespaced: true });
  index.apply({ kind: 'node', key: 'node-0', view: node() });
  const bind = (name: string, serviceAccountName: string) =>
    index.apply(bindingChange('shop', name, { selector: 'demo', serviceAccountName }));
  for (const account of ['web', 'jobs']) {
    index.apply(identityChange('shop', account));
    index.apply(podChange(`shop/${account}`, account));
    bind(account, account);
  }
  const planned = () => [...index.settle().takeDirty(host)];
  expect(planned()).toEqual(['shop/web', 'shop/jobs']);
  bind('jobs', 'batch');
  expect(planned()).toEqual(['shop/jobs']);
  bind('jobs', 'other');
  expect([...index.granted(host).values()]).toEqual([]);
  index.settle();
  expect([[...index.granted(host).values()], [...index.dirtyHosts()], planned()]).toEqual([[1], [host], []]);
});

test('pods get their reasons anew if the fault of their identity is another, or it is gone, also while they are stale', () => {
  const { index } = createWorld();
  const invalid = (resourceID: string): ClusterChange => ({
    kind: 'identity',
    key: 'shop/reader',
    view: identity({ namespace: 'shop', name: 'reader', spec: { type: 0, resourceID } }),
  });
  for (const one of [invalid('a'), bindingChange('shop', 'reader'), podChange('shop/web', 'web')])
    index.apply(one);
  const planned = (...changes: readonly ClusterChange[]) => {
    index.settle().takeDirty(host);
    for (const one of changes) index.apply(one);
    return [...index.settle().takeDirty(host)];
  };
  const gone: ClusterChange = { kind: 'identity', key: 'shop/reader', view: undefined };
  expect(planned(invalid('b'))).toEqual(['shop/web']);
  expect(planned(gone)).toEqual(['shop/web']);
  expect(planned(gone)).toEqual([]);
  expect(planned(identityChange('shop', 'reader'), gone, invalid('b'))).toEqual(['shop/web']);
});

test('the pods that are stale at some time are settled one with each step, and no others', () => {
  const { index } = createWorld();
  for (const key of ['shop/a', 'shop/b', 'pay/c']) index.apply(podChange(key, 'web'));
  for (const one of ['shop', 'pay']) {
    index.apply(identityChange(one, 'reader'));
    index.apply(bindingChange(one, 'reader'));
  }
  const steps = index.settleEach();
  const stale = () => ['shop/a', 'shop/b', 'pay/c'].filter((key) => index.isStale(key));
  steps.next();
  expect(stale()).toEqual(['shop/b', 'pay/c']);
  index.apply(identityChange('shop', 'reader', 'other'));
  index.apply(podChange('shop/b', 'jobs'));
  steps.next();
  steps.next();
  expect([stale(), steps.next().done]).toEqual([['shop/a'], true]);
});

test('the condition of an identity is judged again when ServiceAccounts are denied it, or not any more', () => {
  const world = createWorld();
  const { index } = world;
  for (const change of [identityChange('shop', 'reader'), bindingChange('shop', 'reader')])
    index.apply(change);
  for (const account of ['web', 'jobs']) index.apply(podChange(`shop/${account}`, account));
  settleAll(world);
  expect(index.denied('shop/reader')).toHaveLength(1);
  index.takeConcerned();
  index.apply({ kind: 'binding', key: 'shop/reader-binding', view: undefined });
  index.takeConcerned();
  index.settle();
  expect(index.denied('shop/reader')).toEqual([]);
  expect(index.takeConcerned().identities).toContain('shop/reader');
});

test('an identity that moves to another pod of the ServiceAccount is not asked about again', () => {
  const { registry, index } = createWorld();
  index.apply(podChange('shop/before', 'web', 'demo'));
  index.apply(podChange('shop/after', 'web', 'other'));
  for (const change of [identityChange('shop', 'reader'), bindingChange('shop', 'reader')])
    index.apply(change);
  index.settle();
  const pair = registry.next(0);
  expect(pair).toBeDefined();
  if (pair) index.rightsChanged(registry.record(pair, { kind: 'allowed', level: 0 }, { now: 0, chance: 1 }));
  index.apply(bindingChange('shop', 'reader', { selector: 'other' }));
  index.settle();
  expect([index.granted(host).size, registry.next(0)]).toEqual([1, undefined]);
  index.apply({ kind: 'binding', key: 'shop/reader-binding', view: undefined });
  index.settle();
  expect(registry.census()).toEqual({ allowed: 0, denied: 0, unknown: 0 });
});

test('pairs that a namespace does not need any more are given up while pods of another one are stale', () => {
  const world = createWorld();
  const { registry, index } = world;
  editShopThenPay(world);
  settleAll(world);
  expect(registry.pairsOf('pay')).toBe(1);
  index.apply(identityChange('shop', 'id-7'));
  index.apply({ kind: 'binding', key: 'pay/card-binding', view: undefined });
  settleFirst(index, 2);
  expect([index.hasStale, registry.pairsOf('pay')]).toEqual([true, 0]);
});

test('a namespace whose pods are always stale keeps a limited number of pairs that it does not need', () => {
  const { registry, index } = createWorld();
  index.apply(identityChange('shop', 'reader'));
  index.apply(bindingChange('shop', 'reader'));
  index.apply(podChange('shop/stale', 'web'));
  const counts: number[] = [];
  for (let number = 0; number < 1_500; number += 1) {
    index.apply(identityChange('shop', 'reader', `id-${number}`));
    index.apply(podChange('shop/pod', `account-${number}`));
    counts.push(registry.pairsOf('shop'));
    index.apply({ kind: 'pod', key: 'shop/pod', view: undefined });
  }
  expect(index.isStale('shop/stale')).toBe(true);
  expect(Math.max(...counts)).toBeGreaterThan(900);
  expect(Math.max(...counts)).toBeLessThan(1_010);
});
