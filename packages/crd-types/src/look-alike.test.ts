// Keys that are spelled like a field that the original does not have, but in another case or with a slip.
import { describe, expect, test } from 'vitest';
import { parseAzureAssignedIdentity } from './matching/azure-assigned-identity.ts';
import { parseAzureIdentity } from './objects/azure-identity.ts';
import { parseAzureIdentityBinding } from './objects/azure-identity-binding.ts';
import { parseAzurePodIdentityException } from './objects/azure-pod-identity-exception.ts';
import { canonicalise } from './parsing/canonical.ts';

const resourceID =
  '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader';
const metadata = { name: 'a', namespace: 'shop' };
const bound = { azureIdentity: 'reader', selector: 's' };
const excepted = { podLabels: { app: 'web' } };
const selector = { matchLabels: { app: 'web' } };

const cases = [
  { field: 'serviceAccountName', key: 'ServiceAccountName', value: '', spec: bound },
  { field: 'serviceAccountName', key: 'SERVICEACCOUNTNAME', value: null, spec: bound },
  { field: 'podSelector', key: 'podselector', value: {}, spec: bound },
  { field: 'podSelector', key: 'PodSelector', value: selector, spec: bound },
  { field: 'default', key: 'Default', value: true, spec: bound },
  { field: 'allowedNamespaces', key: 'AllowedNamespaces', value: { selector: {} }, spec: { resourceID } },
  { field: 'clientIDs', key: 'ClientIDs', value: null, spec: excepted },
  { field: 'podSelector', key: 'podSelectors', value: selector, spec: bound },
  { field: 'podSelector', key: 'podselctor', value: null, spec: bound },
  { field: 'podSelector', key: 'pod_selector', value: {}, spec: bound },
  { field: 'podSelector', key: 'podſelector', value: selector, spec: bound },
  { field: 'serviceAccountName', key: 'serviceAccount', value: 'web', spec: bound },
  { field: 'serviceAccountName', key: 'serviceAccounts', value: ['web'], spec: bound },
  { field: 'serviceAccountName', key: 'serviceAcountName', value: '', spec: bound },
  { field: 'serviceAccountName', key: 'service-account-name', value: 'web', spec: bound },
  { field: 'default', key: 'isDefault', value: true, spec: bound },
  { field: 'allowedNamespaces', key: 'allowedNamespace', value: 'shop', spec: { resourceID } },
  { field: 'allowedNamespaces', key: 'allowNamespaces', value: ['shop'], spec: { resourceID } },
  { field: 'clientIDs', key: 'clientID', value: 'x', spec: excepted },
];

const kindOf = (spec: object) => {
  if (spec === bound) return { kind: 'AzureIdentityBinding', parse: parseAzureIdentityBinding };
  if (spec === excepted) return { kind: 'AzurePodIdentityException', parse: parseAzurePodIdentityException };
  return { kind: 'AzureIdentity', parse: parseAzureIdentity };
};

describe.each(cases)('$key beside the field $field', ({ field, key, value, spec }) => {
  const { kind, parse } = kindOf(spec);
  const alone = { kind, metadata, spec: { ...spec, [key]: value } };

  test('is refused with key, field and remedy', () => {
    const message = `is not a field: if ${field} is meant, write it in exactly this spelling, otherwise remove this key`;
    expect(parse(alone)).toEqual({ ok: false, problems: [{ path: `spec.${key}`, message }] });
    expect(parse({ ...alone, Spec: alone.spec, spec: undefined })).toMatchObject({
      problems: [{ path: `Spec.${key}`, message }],
    });
  });

  test('is left as it is by canonicalise, and does not replace the field', () => {
    const both = { kind, metadata, spec: { ...spec, [field]: 'kept', [key]: value } };
    for (const object of [alone, both])
      expect(canonicalise(object)).toEqual({ object, changed: false, warnings: [] });
  });
});

test.each([
  [
    parseAzureIdentityBinding,
    { ...bound, podLabels: {}, app: 'web', colour: 1, selectors: 'a', SELECTOR: 'b' },
  ],
  [
    parseAzureIdentity,
    { resourceID, namespace: 'shop', namespaces: [], auxillaryTenantIDs: [], clientIDs: [] },
  ],
  [parseAzurePodIdentityException, { ...excepted, podLabel: {}, resourceIDs: [], identities: [] }],
])('other unknown keys are passed over', (parse: (object: unknown) => { ok: boolean }, spec) => {
  expect(parse({ metadata, spec })).toMatchObject({ ok: true, warnings: [] });
});

describe('inside the fields that the original does not have', () => {
  test.each([
    { at: 'podSelector.MatchLabels', spec: { ...bound, podSelector: { MatchLabels: {} } } },
    {
      at: 'allowedNamespaces.Names',
      spec: { resourceID, allowedNamespaces: { names: ['shop'], Names: ['shop', 'other'] } },
    },
    {
      at: 'allowedNamespaces.Selector',
      spec: { resourceID, allowedNamespaces: { selector: { matchLabels: { a: 'b' } }, Selector: {} } },
    },
  ])('$at is refused', ({ at, spec }) => {
    const parse = 'podSelector' in spec ? parseAzureIdentityBinding : parseAzureIdentity;
    expect(parse({ metadata, spec })).toMatchObject({
      ok: false,
      problems: [{ path: `spec.${at}`, message: expect.stringContaining('is not known here') }],
    });
  });
});

test('in the copies of an AzureAssignedIdentity they are warnings, and not read', () => {
  const parsed = parseAzureAssignedIdentity({
    metadata,
    spec: {
      azureIdentityRef: { metadata, spec: { resourceID, AllowedNamespaces: { names: ['shop'] } } },
      azureBindingRef: {
        metadata,
        spec: { ...bound, serviceAccountName: 'web', ServiceAccountName: '', podSelectors: {} },
      },
    },
  });
  expect(parsed).toMatchObject({
    ok: true,
    value: { spec: { azureBindingRef: { spec: { ...bound, serviceAccountName: 'web' } } } },
  });
  expect(parsed.ok && parsed.value.spec.azureIdentityRef.spec).not.toHaveProperty('allowedNamespaces');
  expect(parsed.ok && parsed.warnings.map(({ path }) => path)).toEqual([
    'spec.azureIdentityRef.spec.AllowedNamespaces',
    'spec.azureBindingRef.spec.ServiceAccountName',
    'spec.azureBindingRef.spec.podSelectors',
  ]);
});

test.each([[null], [{}], [{ matchLabels: {} }], [{ matchLabels: null, matchExpressions: [] }]])(
  'podSelector: %j in its own spelling is no condition: without another, the binding is refused',
  (podSelector) => {
    const spec = { azureIdentity: 'reader', podSelector };
    expect(parseAzureIdentityBinding({ metadata, spec })).toMatchObject({
      ok: false,
      problems: [{ path: 'spec.selector' }],
    });
    const parsed = parseAzureIdentityBinding({ metadata, spec: { ...spec, selector: 's' } });
    expect(parsed.ok && parsed.value.spec).toEqual(bound);
  },
);

test.each([[''], ['app=web'], [[]], [0]])('podSelector: %j is refused', (podSelector) => {
  expect(parseAzureIdentityBinding({ metadata, spec: { ...bound, podSelector } })).toMatchObject({
    ok: false,
    problems: [{ path: 'spec.podSelector' }],
  });
});
