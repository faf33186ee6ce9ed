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

test.each<[string, (index: number) => object]>([
  ['one label each', (index) => ({ matchLabels: { app: `web-${index}` } })],
  [
    'a label that all have beside one that tells them apart',
    (index) => ({ matchLabels: { product: 'shop', zone: 'one', app: `web-${index}` } }),
  ],
  [
    'a label that all have, and values',
    (index) => ({
      matchLabels: { product: 'shop' },
      matchExpressions: [{ key: 'app', operator: 'In', values: [`web-${index}`, `api-${index}`] }],
    }),
  ],
])('of a thousand bindings by %s a pod is held against few', (_, selectorOf) => {
  const all = Array.from({ length: 1_000 }, (__, index) => binding(`b${index}`, selectorOf(index)));
  const filed = placesOf(all);
  vi.mocked(selectsPod).mockClear();
  expect(filed.selecting(pod('web-500')).map(({ metadata }) => metadata.name)).toEqual(['b500']);
  expect(vi.mocked(selectsPod).mock.calls.length).toBeLessThan(10);
});

test('of bindings that ask for nothing that a pod must have, no more are looked at than count', () => {
  const without = { matchExpressions: [{ key: 'x', operator: 'DoesNotExist' }] };
  const name = (index: number) => `b${String(index).padStart(3, '0')}`;
  const filed = placesOf(Array.from({ length: 300 }, (_, index) => binding(name(299 - index), without)));
  vi.mocked(selectsPod).mockClear();
  const found = filed.selecting(pod('web'));
  expect(found).toHaveLength(100);
  expect(vi.mocked(selectsPod).mock.calls.length).toBe(100);
  const counted = filed.withoutSelector('shop', found).map(({ metadata }) => metadata.name);
  expect(counted).toEqual(Array.from({ length: 101 }, (_, index) => name(index)));
});

test('what was removed selects nothing, and leaves nothing behind', () => {
  const all = [
    binding('a', { matchLabels: { app: 'web' } }),
    binding('b', { matchExpressions: [{ key: 'x', operator: 'DoesNotExist' }] }),
    binding('c', { matchLabels: { app: 'api' } }),
  ];
  const filed = placesOf(all);
  expect(filed.beyondLabel('shop')).toBe(3);
  expect(filed.selecting(pod('web'))).toEqual(all.slice(0, 2));
  expect(new Set(filed.withoutSelector('shop', all.slice(0, 2)))).toEqual(new Set(all.slice(0, 2)));
  all.forEach((one) => filed.remove(one));
  expect([filed.selecting(pod('web')), filed.withoutSelector('shop', [])]).toEqual([[], []]);
  expect(filed.beyondLabel('shop')).toBe(0);
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
      for (const selector of ['demo', 'other', 'none']) {
        const expected = sortBindings([...there.values()].filter(({ spec }) => spec.selector === selector));
        const bindings = kept.withSelector(selector);
        const found = parts.toSorted().flatMap((namespace) => bindings.of(namespace));
        expect(found).toEqual(expected.filter(isPlain));
        for (const namespace of parts) {
          const own = expected.filter(({ metadata }) => metadata.namespace === namespace);
          const selected = own.filter((one) => !isPlain(one));
          expect(kept.withSelector(selector, { namespace, selecting: selected }).of(namespace)).toEqual(own);
          const unselected = kept.withSelector(selector, { namespace, selecting: [] }).of(namespace);
          expect(unselected).toEqual(own.some(isPlain) ? own.filter(isPlain) : own.slice(0, 1));
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
