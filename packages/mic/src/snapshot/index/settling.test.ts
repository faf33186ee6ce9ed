// Pods that changes of other objects concern are evaluated before the next question: many changes at once cost as much as one.
import { accessTargetKey } from '@pod-identity/crd-types';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PairRegistry } from '../../access/pair-registry.ts';
import { binding, hostOf, identity, idOf, instanceOf, node, pod } from '../../plan/test/builders.ts';
import { ClusterIndex, type ClusterChange } from './cluster-index.ts';
import type { AccessGroup } from './rights.ts';

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

function settleAll(world: ReturnType<typeof createWorld>): void {
  world.index.settle();
  answerAll(world);
  world.index.settle();
}

/** A change, whether somebody asks after it, and whether the API server answers then. */
const step = fc.record({ change, asks: fc.boolean(), answers: fc.boolean() });

test('whenever somebody asks, the index is the same in the end', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const [late, early] = [createWorld(), createWorld()];
      for (const one of steps) {
        for (const { index } of [late, early]) index.apply(one.change);
        settleAll(early);
        if (one.asks) late.index.need(host);
        if (one.answers) answerAll(late);
      }
      for (const world of [late, early]) settleAll(world);
      expect(seen(late)).toEqual(seen(early));
      expect(late.registry.census()).toEqual(early.registry.census());
    }),
    { numRuns: 500 },
  );
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

test('identities of another namespace count if they allow this one, as soon as few enough come before them, whomever those allow', () => {
  const { index, share, matched } = worldThatAcceptsShared();
  const nameOf = (number: number) => `id-${String(number).padStart(3, '0')}`;
  index.apply(podChange('pay/web', 'web'));
  for (let number = 0; number <= 101; number += 1) {
    share(nameOf(number), number < 100 ? ['shop'] : ['pay']);
    index.apply(bindingChange('shared', nameOf(number)));
  }
  const planned = () => [...index.takeDirty(host)];
  planned();
  expect(matched()).toEqual(['pay/card']);
  share(nameOf(3), ['bank']);
  expect(planned()).toEqual([]);
  index.apply({ kind: 'binding', key: 'shared/id-007-binding', view: undefined });
  expect([planned(), matched()]).toEqual([['pay/web'], ['pay/card', 'shared/id-100']]);
  share(nameOf(9), undefined);
  expect([planned(), matched()]).toEqual([['pay/web'], ['pay/card', 'shared/id-100', 'shared/id-101']]);
});

test('attack: an edit of an identity that many bindings without a label name compares a hundred of them with each pod', () => {
  const { index } = createWorld();
  index.apply(identityChange('shop', 'reader'));
  let looks = 0;
  for (let number = 0; number < 300; number += 1) {
    const view = binding({
      namespace: 'shop',
      name: `b-${String(number).padStart(3, '0')}`,
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
  expect([...index.settle().need(host).keys()]).toEqual([idOf('other')]);
  // Each comparison reads the condition twice; pods that the same bindings select share one result.
  expect(looks).toBeLessThan(2 * 100 * 103);
});

test('after an edit only pods that get something else are planned', () => {
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
  expect([[...index.granted(host).values()], planned()]).toEqual([[1], []]);
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
