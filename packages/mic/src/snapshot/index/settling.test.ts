// Pods that changes of other objects concern are settled at the next query, so that many changes at once cost as much as one.
import { accessTargetKey } from '@pod-identity/crd-types';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AccessBook } from '../../access/book.ts';
import { binding, hostOf, identity, idOf, instanceOf, node, pod } from '../../plan/test/builders.ts';
import type { ClusterChange } from './cluster-change.ts';
import { ClusterIndex } from './cluster-index.ts';
import type { AccessGroup } from './rights.ts';

const host = hostOf(instanceOf('vmss1')).id;

class CountingBook extends AccessBook<AccessGroup> {
  held = 0;

  override hold(group: AccessGroup): void {
    this.held += 1;
    super.hold(group);
  }
}

function createWorld() {
  const book = new CountingBook({ pairsPerNamespace: 10_000, recheckMs: 300_000 });
  const index = new ClusterIndex({ forceNamespaced: true }, { mode: 'rbac', book });
  index.apply({ kind: 'node', key: 'node-0', view: node() });
  return { book, index };
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
  const { book, index } = createWorld();
  for (let number = 0; number < 100; number += 1)
    index.apply(podChange(`shop/pod-${number}`, `account-${number % 10}`));
  index.settle();
  book.held = 0;
  for (let number = 0; number < 100; number += 1) {
    index.apply(identityChange('shop', `id-${number}`));
    index.apply(bindingChange('shop', `id-${number}`));
  }
  expect(index.need(host).size).toBe(100);
  expect(book.held).toBe(10);
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
function answerAll({ book, index }: ReturnType<typeof createWorld>): void {
  for (let pair = book.next(0); pair; pair = book.next(0)) {
    const isAllowed = `${pair.subject.name}${accessTargetKey(pair.target)}`.length % 2 === 0;
    const answer = isAllowed ? ({ kind: 'allowed', level: 0 } as const) : ({ kind: 'refused' } as const);
    index.rightsChanged(book.answer(pair, answer, { now: 0, chance: 1 }));
  }
}

function seen({ index }: ReturnType<typeof createWorld>) {
  const pods = ['shop', 'pay'].flatMap((one) => [...index.podsIn(one)]).sort();
  const sorted = (counts: ReadonlyMap<string, number>) => [...counts].sort();
  return {
    needs: sorted(index.need(host)),
    grants: sorted(index.granted(host)),
    pods: pods.map((key) => {
      const { usable, barred } = index.rightsOf(key);
      const of = (list: readonly { readonly identityKey: string }[]) => list.map((one) => one.identityKey);
      return [key, of(usable), of(barred.map(({ match }) => match))];
    }),
  };
}

test('whenever pods are settled, the index is the same', () => {
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 12 }), { maxLength: 6 }), (bursts) => {
      const [late, early] = [createWorld(), createWorld()];
      for (const burst of bursts) {
        for (const one of burst) {
          late.index.apply(one);
          early.index.apply(one);
          early.index.settle();
        }
        for (const world of [late, early]) {
          world.index.settle();
          answerAll(world);
        }
        expect(seen(late)).toEqual(seen(early));
        expect(late.book.census()).toEqual(early.book.census());
      }
    }),
    { numRuns: 300 },
  );
});
