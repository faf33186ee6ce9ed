import { sortBindings, type AzureIdentityBinding } from '@pod-identity/crd-types';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SelectorBindings } from './selector-bindings.ts';

const part = fc.constantFrom('a', 'a-b', 'a.b', 'b', 'B', '');
const aBinding = fc
  .record({ namespace: part, name: part, selector: fc.constantFrom('demo', 'other'), version: fc.nat(3) })
  .map(({ namespace, name, selector, version }): AzureIdentityBinding => ({
    apiVersion: 'aadpodidentity.k8s.io/v1',
    kind: 'AzureIdentityBinding',
    metadata: { namespace, name, resourceVersion: `${version}` },
    spec: { azureIdentity: 'reader', selector },
  }));
const aChange = fc.record({ binding: aBinding, isGone: fc.boolean() });

const keyOf = ({ metadata, spec }: AzureIdentityBinding) =>
  `${spec.selector} ${metadata.namespace ?? ''}/${metadata.name}`;

test('after any changes, each selector has its bindings by namespace, in the order of their names', () => {
  fc.assert(
    fc.property(fc.array(aChange, { maxLength: 60 }), (changes) => {
      const kept = new SelectorBindings();
      const there = new Map<string, AzureIdentityBinding>();
      for (const { binding, isGone } of changes) {
        if (isGone) kept.remove(binding);
        else kept.add(binding);
        if (isGone) there.delete(keyOf(binding));
        else there.set(keyOf(binding), binding);
      }
      for (const selector of ['demo', 'other', 'none']) {
        const expected = sortBindings([...there.values()].filter(({ spec }) => spec.selector === selector));
        const bindings = kept.of(selector);
        const { namespaces } = bindings;
        const found = namespaces.toSorted().flatMap((namespace) => bindings.of(namespace));
        expect(found).toEqual(expected);
        expect(new Set(namespaces).size).toBe(namespaces.length);
        expect(namespaces.filter((namespace) => bindings.of(namespace).length === 0)).toEqual([]);
      }
    }),
    { numRuns: 500 },
  );
});

test('a selector of no binding has none in any namespace', () => {
  const kept = new SelectorBindings();
  expect(kept.of('none').of('shop')).toEqual([]);
  expect(kept.has('none', 'shop')).toBe(false);
});
