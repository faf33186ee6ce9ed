// Random bindings with every kind of condition, and pods that they often select.
import type { AzureIdentityBinding, LabelRequirement, PodFacts } from '@pod-identity/crd-types';
import fc from 'fast-check';
import { binding } from './builders.ts';

export const namespaces = ['a', 'a-b', 'shop', 'z'];

const key = fc.constantFrom('app', 'tier', 'x.io/zone');
const value = fc.constantFrom('', 'a', 'b');
const namespace = fc.constantFrom(...namespaces);
const account = fc.constantFrom('default', 'front');
const values = fc.uniqueArray(value, { minLength: 1, maxLength: 2 });
const requirement: fc.Arbitrary<LabelRequirement> = fc.oneof(
  fc.record({ key, operator: fc.constantFrom('In' as const, 'NotIn' as const), values }),
  fc.record({ key, operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) }),
);
const conditions = fc.record(
  {
    podSelector: fc.record(
      {
        matchLabels: fc.dictionary(key, value, { maxKeys: 2, noNullPrototype: true }),
        matchExpressions: fc.array(requirement, { maxLength: 2 }),
      },
      { requiredKeys: [] },
    ),
    serviceAccountName: account,
    default: fc.boolean(),
  },
  { requiredKeys: [] },
);

export const aSelectingBinding: fc.Arbitrary<AzureIdentityBinding> = fc
  .record({
    namespace,
    conditions: fc.oneof(fc.constant({}), conditions),
    target: fc.constantFrom('one', 'two', 'gone'),
    name: fc.constantFrom('a', 'b', 'b-c', 'b.c', 'c'),
    selector: fc.constantFrom('', 'demo', 'demo', 'other'),
  })
  .map(({ target, conditions: more, ...names }) => {
    const made = binding(target, names);
    return { ...made, spec: { ...made.spec, ...more } };
  });

export const aPodOfMany: fc.Arbitrary<PodFacts> = fc
  .record({
    namespace: fc.constantFrom(...namespaces, 'without'),
    serviceAccount: fc.oneof({ weight: 5, arbitrary: account }, fc.constant('')),
    labels: fc.dictionary(key, value, { noNullPrototype: true }),
    label: fc.option(fc.constantFrom('', 'demo', 'other', 'none'), { nil: undefined }),
  })
  .map(({ label, labels, ...rest }) => ({
    ...rest,
    labels: { ...labels, ...(label === undefined ? {} : { aadpodidbinding: label }) },
  }));
