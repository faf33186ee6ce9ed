import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAzureAssignedIdentity } from './matching/azure-assigned-identity.ts';
import { parseAzureIdentity } from './objects/azure-identity.ts';
import { parseAzureIdentityBinding } from './objects/azure-identity-binding.ts';
import { parseAzurePodIdentityException } from './objects/azure-pod-identity-exception.ts';
import { parseIdentityResourceId, parseProviderId, parseResourceId } from './ids/resource-id.ts';

const parsers = [
  parseAzureIdentity,
  parseAzureIdentityBinding,
  parseAzureAssignedIdentity,
  parseAzurePodIdentityException,
];

/** JSON that passes the first checks: correct keys with random values. */
const plausible = fc.record(
  {
    metadata: fc.oneof(
      fc.jsonValue(),
      fc.record({ name: fc.jsonValue(), labels: fc.jsonValue(), ownerReferences: fc.jsonValue() }),
    ),
    spec: fc.oneof(
      fc.jsonValue(),
      fc.dictionary(
        fc.constantFrom(
          'type',
          'resourceID',
          'ClientPassword',
          'auxiliaryTenantIDs',
          'selector',
          'podLabels',
          'azureIdentityRef',
          'pod',
        ),
        fc.jsonValue(),
      ),
    ),
    status: fc.oneof(
      fc.jsonValue(),
      fc.record({ conditions: fc.array(fc.jsonValue()), status: fc.jsonValue() }),
    ),
  },
  { requiredKeys: [] },
);

test('no parser throws, whatever the JSON', () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), plausible), (value) => {
      for (const parse of parsers) {
        const parsed = parse(value);
        expect(parsed.ok || parsed.problems.length > 0).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});

test('what was read reads the same again', () => {
  fc.assert(
    fc.property(plausible, (value) => {
      for (const parse of parsers) {
        const parsed = parse(value);
        if (parsed.ok) expect(parse(parsed.value)).toMatchObject({ ok: true, value: parsed.value });
      }
    }),
    { numRuns: 300 },
  );
});

const codePoint = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code));
const parts = [
  'azure:',
  '',
  '/',
  'subscriptions',
  's',
  'resourceGroups',
  'providers',
  'Microsoft.Compute',
  '..',
  '%2e',
  'x',
];
const almostAnId = fc
  .array(fc.constantFrom(...parts), { minLength: 3, maxLength: 12 })
  .map((names) => `/subscriptions/${names.join('/')}`);

test('no id makes a parser throw, and none is accepted that could change the meaning of a URL', () => {
  const ids = fc.oneof(
    fc.string({ unit: codePoint }),
    almostAnId,
    fc.string({ minLength: 1 }).map((name) => `/subscriptions/s/resourceGroups/g/providers/p/t/${name}`),
  );
  fc.assert(
    fc.property(ids, (id) => {
      for (const parse of [parseResourceId, parseIdentityResourceId, parseProviderId]) {
        if (parse(id).ok) expect(id).not.toMatch(/[%?#\\\s'"]|\/\.{0,2}\/|\/\.{1,2}$/);
      }
    }),
    { numRuns: 500 },
  );
});
