// Parsers neither change nor hand out what they were given.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as library from './index.ts';

const text = fc.constantFrom('a', 'b', '');
const map = fc.dictionary(text, text, { maxKeys: 2 });
const list = fc.array(text, { maxLength: 2 });
const selector = fc.record(
  {
    matchLabels: map,
    matchExpressions: fc.array(
      fc.record({ key: text, operator: fc.constantFrom('In', 'Exists'), values: list }),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
);
const time = fc.constantFrom<unknown>('2026-01-01T00:00:00Z', new Date(0));
const metadata = fc.record(
  {
    name: fc.constantFrom('a', 'b'),
    labels: map,
    annotations: map,
    finalizers: list,
    creationTimestamp: time,
    ownerReferences: fc.array(fc.record({ kind: text, name: text, controller: fc.boolean() })),
  },
  { requiredKeys: ['name'] },
);
const spec = fc.record(
  {
    type: fc.constantFrom(1, 2),
    clientPassword: fc.record({ name: text }),
    auxiliaryTenantIDs: list,
    allowedNamespaces: fc.record({ names: list, selector }, { requiredKeys: [] }),
    azureIdentity: fc.constantFrom('a', 'b'),
    Selector: fc.constantFrom('a', 'b'),
    podSelector: selector,
    podLabels: map,
    clientIDs: list,
  },
  { requiredKeys: ['type', 'azureIdentity', 'Selector'] },
);
const conditions = fc.array(fc.record({ type: text, status: fc.constant('True'), lastTransitionTime: time }));
const plain = fc.record(
  { metadata, spec, status: fc.record({ conditions }) },
  { requiredKeys: ['metadata', 'spec'] },
);
const object = fc.oneof(
  plain,
  fc.record({ metadata, spec: fc.record({ azureIdentityRef: plain, azureBindingRef: plain, pod: text }) }),
);

function objectsIn(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return [];
  return [value, ...Object.values(value).flatMap(objectsIn)];
}

test.each([
  ['parseAzureIdentity', library.parseAzureIdentity],
  ['parseAzureIdentityBinding', library.parseAzureIdentityBinding],
  ['parseAzureAssignedIdentity', library.parseAzureAssignedIdentity],
  ['parseAzurePodIdentityException', library.parseAzurePodIdentityException],
])('%s changes nothing of its argument, and returns nothing of it', (_, parse) => {
  let accepted = 0;
  fc.assert(
    fc.property(object, (given) => {
      const before = structuredClone(given);
      const parsed = parse(given);
      accepted += Number(parsed.ok);
      expect(given).toEqual(before);
      const mine = new Set(objectsIn(given));
      expect(objectsIn(parsed).filter((one) => mine.has(one))).toEqual([]);
    }),
    { numRuns: 300 },
  );
  expect(accepted).toBeGreaterThan(10);
});
