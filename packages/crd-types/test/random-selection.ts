// Random bindings with every kind of condition, and pods that they often select.
import fc from 'fast-check';
import type { AzureIdentityBinding } from '../src/objects/azure-identity-binding.ts';
import { apiVersion } from '../src/parsing/group.ts';
import type { LabelRequirement, LabelSelector } from '../src/objects/label-selector.ts';
import type { PodFacts } from '../src/matching/selection.ts';

const key = fc.constantFrom('app', 'tier', 'x.io/zone');
const value = fc.constantFrom('', 'a', 'b');
const namespace = fc.constantFrom('a', 'shop', 'z');
const account = fc.constantFrom('default', 'front');

const values = fc.uniqueArray(value, { minLength: 1, maxLength: 2 });
const requirement: fc.Arbitrary<LabelRequirement> = fc.oneof(
  fc.record({ key, operator: fc.constantFrom('In' as const, 'NotIn' as const), values }),
  fc.record({ key, operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) }),
);

export const aLabelSelector: fc.Arbitrary<LabelSelector> = fc.record(
  {
    matchLabels: fc.dictionary(key, value, { maxKeys: 2, noNullPrototype: true }),
    matchExpressions: fc.array(requirement, { maxLength: 2 }),
  },
  { requiredKeys: [] },
);

const conditions = fc.record(
  { podSelector: aLabelSelector, serviceAccountName: account, default: fc.boolean() },
  { requiredKeys: [] },
);

export const aSelectingBinding: fc.Arbitrary<AzureIdentityBinding> = fc
  .record({
    namespace,
    conditions,
    name: fc.constantFrom('a', 'b', 'b-c', 'b.c', 'c'),
    azureIdentity: fc.constantFrom('one', 'two', 'gone'),
    selector: fc.constantFrom('', 'demo', 'other'),
  })
  .map(({ namespace: ns, name, azureIdentity, selector, conditions: more }) => ({
    apiVersion,
    kind: 'AzureIdentityBinding',
    metadata: { namespace: ns, name },
    spec: { azureIdentity, selector, ...more },
  }));

export const aPodOfMany: fc.Arbitrary<PodFacts> = fc
  .record({
    namespace,
    serviceAccount: account,
    labels: fc.dictionary(key, value, { noNullPrototype: true }),
    label: fc.option(fc.constantFrom('', 'demo', 'other'), { nil: undefined }),
    isPartial: fc.constantFrom(false, false, false, true),
  })
  .map(({ label, labels, isPartial, ...rest }) => ({
    ...rest,
    labels: { ...labels, ...(label === undefined ? {} : { aadpodidbinding: label }) },
    ...(isPartial ? { isPartial } : {}),
  }));
