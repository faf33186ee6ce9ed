import {
  apiVersion,
  selectsPod,
  sortBindings,
  type AzureIdentityBinding,
  type PodFacts,
} from '@pod-identity/crd-types';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { FiledBindings } from './filed-bindings.ts';

function binding(name: string, podSelector: object): AzureIdentityBinding {
  return {
    apiVersion,
    kind: 'AzureIdentityBinding',
    metadata: { namespace: 'shop', name },
    spec: { azureIdentity: 'reader', selector: '', podSelector },
  };
}

vi.mock(import('@pod-identity/crd-types'), async (load) => {
  const types = await load();
  return { ...types, selectsPod: vi.fn(types.selectsPod) };
});

function placesOf(bindings: readonly AzureIdentityBinding[]): FiledBindings {
  const places = new FiledBindings();
  for (const binding of bindings) places.add(binding);
  return places;
}

const pod = (app: string): PodFacts => ({
  namespace: 'shop',
  labels: { app, product: 'shop', zone: 'one' },
  serviceAccount: 'default',
});

test('attack: of thousands of bindings with conditions in one namespace, each pod is compared with a hundred', () => {
  const name = (index: number) => `b${String(index).padStart(4, '0')}`;
  // Every pod has what the bindings select by, so that no index of labels helps.
  const conditions = [
    { key: 'app', operator: 'Exists' },
    { key: 'zone', operator: 'NotIn', values: ['one'] },
  ];
  const all = Array.from({ length: 5_000 }, (_, index) =>
    binding(name(4_999 - index), { matchExpressions: index % 2 === 0 ? conditions : conditions.slice(0, 1) }),
  );
  const filed = placesOf(all);
  vi.mocked(selectsPod).mockClear();
  expect(filed.selecting(pod('web'))).toHaveLength(50);
  expect(vi.mocked(selectsPod)).toHaveBeenCalledTimes(100);
  expect(filed.withConditions('shop').map(({ metadata }) => metadata.name)).toEqual(
    Array.from({ length: 101 }, (_, index) => name(index)),
  );
});

test('what was removed selects nothing, and leaves nothing behind', () => {
  const all = [
    binding('a', { matchLabels: { app: 'web' } }),
    binding('b', { matchExpressions: [{ key: 'x', operator: 'DoesNotExist' }] }),
    binding('c', { matchLabels: { app: 'api' } }),
  ];
  const filed = placesOf(all);
  expect(filed.withConditions('shop')).toEqual(all);
  expect(filed.selecting(pod('web'))).toEqual(all.slice(0, 2));
  all.forEach((one) => filed.remove(one));
  expect([filed.selecting(pod('web')), filed.withConditions('shop')]).toEqual([[], []]);
});

const parts = ['a', 'a-b', 'a.b', 'b', 'B', ''];
const part = fc.constantFrom(...parts);
const aBinding = fc
  .record({
    namespace: part,
    name: part,
    selector: fc.constantFrom('demo', 'other', ''),
    serviceAccountName: fc.constantFrom('web', undefined, undefined),
    version: fc.nat(3),
  })
  .map(({ namespace, name, selector, serviceAccountName, version }): AzureIdentityBinding => ({
    apiVersion: 'aadpodidentity.k8s.io/v1',
    kind: 'AzureIdentityBinding',
    metadata: { namespace, name, resourceVersion: `${version}` },
    spec: { azureIdentity: 'reader', selector, ...(serviceAccountName && { serviceAccountName }) },
  }));
const aChange = fc.record({ binding: aBinding, isGone: fc.boolean() });

const keyOf = ({ metadata }: AzureIdentityBinding) => `${metadata.namespace ?? ''}/${metadata.name}`;

test('after any changes, each selector has the bindings that count by namespace, in the order of their names', () => {
  fc.assert(
    fc.property(fc.array(aChange, { maxLength: 60 }), (changes) => {
      const kept = new FiledBindings();
      const there = new Map<string, AzureIdentityBinding>();
      for (const { binding: one, isGone } of changes) {
        const before = there.get(keyOf(one));
        if (before) kept.remove(before);
        if (isGone) there.delete(keyOf(one));
        else {
          kept.add(one);
          there.set(keyOf(one), one);
        }
      }
      const isPlain = ({ spec }: AzureIdentityBinding) => spec.serviceAccountName === undefined;
      for (const namespace of parts)
        expect(kept.withConditions(namespace)).toEqual(
          sortBindings(there.values()).filter((one) => !isPlain(one) && one.metadata.namespace === namespace),
        );
      for (const selector of ['demo', 'other', 'none']) {
        const expected = sortBindings([...there.values()].filter(({ spec }) => spec.selector === selector));
        const bindings = kept.withSelector(selector);
        const found = parts.toSorted().flatMap((namespace) => bindings.of(namespace));
        expect(found).toEqual(expected.filter(isPlain));
        for (const namespace of parts) {
          const own = expected.filter(({ metadata }) => metadata.namespace === namespace);
          expect(kept.has(selector, namespace)).toBe(own.length > 0);
        }
        const reaching = parts.filter((namespace) => bindings.of(namespace).length > 0);
        expect([...bindings.namespaces].sort()).toEqual(reaching.sort());
      }
    }),
    { numRuns: 500 },
  );
});

test('a selector of no binding has none in any namespace', () => {
  const kept = new FiledBindings();
  expect(kept.withSelector('none').of('shop')).toEqual([]);
  expect(kept.has('none', 'shop')).toBe(false);
});
