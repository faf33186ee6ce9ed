import { describe, expect, test } from 'vitest';
import { isNamespaced, parseAzureIdentity } from './azure-identity.ts';

const resourceID =
  '/subscriptions/s/resourceGroups/G/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Reader';
const clientID = '2c1b6f5e-1111-4222-8333-0123456789ab';
const metadata = { name: 'reader', namespace: 'shop' };

describe('an AzureIdentity', () => {
  test('C3, C6 is read with apiVersion, kind, metadata and spec', () => {
    const object = {
      apiVersion: 'aadpodidentity.k8s.io/v1',
      kind: 'AzureIdentity',
      metadata: {
        ...metadata,
        uid: 'u',
        resourceVersion: '7',
        generation: 2,
        creationTimestamp: new Date('2026-01-01T00:00:00Z'),
        deletionTimestamp: new Date('2026-01-02T00:00:00Z'),
        labels: { app: 'shop' },
        annotations: { note: 'x' },
        ownerReferences: [
          { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'o', controller: true, blockOwnerDeletion: false },
        ],
        finalizers: ['f'],
      },
      spec: {
        type: 2,
        resourceID,
        clientID,
        clientPassword: { name: 'cert', namespace: 'shop' },
        tenantID: 'contoso.onmicrosoft.com',
        auxiliaryTenantIDs: ['contoso.com', '2C1B6F5E-1111-4222-8333-0123456789AC'],
        adResourceID: 'https://vault.azure.net',
        adEndpoint: 'https://login.microsoftonline.com/',
      },
      status: {
        conditions: [
          {
            type: 'Ready',
            status: 'True',
            reason: 'Attached',
            message: 'on 2 hosts',
            lastTransitionTime: '2026-01-01T00:00:00Z',
            observedGeneration: 2,
          },
        ],
      },
    };
    expect(parseAzureIdentity(object)).toEqual({ ok: true, value: object, warnings: [] });
  });

  test('gets the apiVersion and kind that the items of a list lack', () => {
    expect(parseAzureIdentity({ metadata, spec: { resourceID } })).toEqual({
      ok: true,
      value: {
        apiVersion: 'aadpodidentity.k8s.io/v1',
        kind: 'AzureIdentity',
        metadata,
        spec: { type: 0, resourceID },
      },
      warnings: [],
    });
  });

  test.each([
    ['as documented in 2018', { type: 0, ResourceID: resourceID, ClientID: clientID }],
    ['as stored in 2018', { type: 0, resourceid: resourceID, clientid: clientID }],
  ])('is read in the spelling %s, with a warning for each key', (_, spec) => {
    const parsed = parseAzureIdentity({ metadata, spec });
    expect(parsed).toMatchObject({ ok: true, value: { spec: { type: 0, resourceID, clientID } } });
    const respelled = Object.keys(spec).filter((key) => key !== 'type');
    expect(parsed.ok && parsed.warnings.map(({ path }) => path)).toEqual(
      respelled.map((key) => `spec.${key}`),
    );
  });

  test('reads the secret of 2018', () => {
    const spec = {
      type: 1,
      ClientID: clientID,
      TenantID: 't',
      ClientPassword: { Name: 'secret', Namespace: 'shop' },
    };
    expect(parseAzureIdentity({ metadata, spec })).toMatchObject({
      value: { spec: { clientPassword: { name: 'secret', namespace: 'shop' } } },
    });
  });

  test.each([
    ['the type is missing', { resourceID }],
    ['the type is null', { type: null, resourceID }],
    [
      'other fields are empty',
      { resourceID, clientID: '', tenantID: null, auxiliaryTenantIDs: null, adEndpoint: '' },
    ],
  ])('is a managed identity when %s', (_, spec) => {
    expect(parseAzureIdentity({ metadata, spec })).toMatchObject({
      value: { spec: { type: 0, resourceID } },
    });
  });

  test('C35 of type 0 needs a valid resource id; of type 1 or 2 it needs none', () => {
    const spec = (type: number, id?: string) => ({
      metadata,
      spec: { type, ...(id !== undefined && { resourceID: id }) },
    });
    expect(parseAzureIdentity(spec(0, 'garbage'))).toMatchObject({
      ok: false,
      problems: [{ path: 'spec.resourceID' }],
    });
    expect(parseAzureIdentity(spec(0))).toMatchObject({ ok: false, problems: [{ path: 'spec.resourceID' }] });
    expect(parseAzureIdentity(spec(1))).toMatchObject({ ok: true });
    expect(parseAzureIdentity(spec(2, 'garbage'))).toMatchObject({ ok: true });
  });

  test('names every problem at once, with the remedy', () => {
    const parsed = parseAzureIdentity({
      apiVersion: 'aadpodidentity.k8s.io/v2',
      kind: 'AzureIdentity',
      metadata: { namespace: 5 },
      spec: {
        type: 4,
        ResourceID: 7,
        clientPassword: 'secret',
        auxiliaryTenantIDs: [1],
        adEndpoint: { x: 1 },
      },
    });
    expect(!parsed.ok && parsed.problems.map(({ path, message }) => `${path} ${message}`)).toEqual([
      'apiVersion must be aadpodidentity.k8s.io/v1, not "aadpodidentity.k8s.io/v2"',
      'metadata.namespace must be a string (put it in quotes), not a number',
      'spec.type must be 0 (managed identity), 1 (service principal with secret), 2 (with certificate) or 3 (federated), not 4',
      'spec.resourceID must be a string (put it in quotes), not a number',
      'spec.clientPassword must be an object, not a string',
      'spec.auxiliaryTenantIDs must be a list of strings, not a list with something else in it',
      'spec.adEndpoint must be a string (put it in quotes), not an object',
      'metadata.name is missing: every object needs a name',
    ]);
  });

  test.each([
    ['null', null],
    ['text', 'AzureIdentity'],
    ['a list', []],
    ['undefined', undefined],
  ])('is not read from %s', (_, value) => {
    expect(parseAzureIdentity(value)).toEqual({
      ok: false,
      problems: [{ path: '', message: 'must be an object of kind AzureIdentity' }],
    });
  });

  test('is not read from an object of another kind', () => {
    expect(
      parseAzureIdentity({ kind: 'AzureIdentityBinding', metadata, spec: { resourceID } }),
    ).toMatchObject({
      ok: false,
      problems: [{ path: 'kind' }],
    });
  });

  test('of type 1 or 2 is read with a warning for what a token will need', () => {
    const parsed = parseAzureIdentity({ metadata, spec: { type: 1, clientPassword: { namespace: 'shop' } } });
    expect(parsed.ok && parsed.warnings.map(({ path }) => path)).toEqual([
      'spec.clientID',
      'spec.tenantID',
      'spec.clientPassword',
    ]);
  });

  test('is read with a warning when its client id cannot be one', () => {
    const parsed = parseAzureIdentity({ metadata, spec: { resourceID, clientID: `${clientID}\n` } });
    expect(parsed).toMatchObject({ ok: true, warnings: [{ path: 'spec.clientID' }] });
  });

  test('leaves out conditions that it does not understand, and keeps the others', () => {
    const conditions = [
      { type: 'Ready', status: 'perhaps' },
      { status: 'True' },
      { type: 'Ready', status: 'False' },
    ];
    expect(parseAzureIdentity({ metadata, spec: { resourceID }, status: { conditions } })).toMatchObject({
      value: {
        status: {
          conditions: [{ type: 'Ready', status: 'False', reason: '', message: '', lastTransitionTime: '' }],
        },
      },
    });
  });
});

describe('an AzureIdentity is namespaced', () => {
  test.each([
    ['with the annotation', { 'aadpodidentity.k8s.io/Behavior': 'namespaced' }, true],
    ['not with another value', { 'aadpodidentity.k8s.io/Behavior': 'Namespaced' }, false],
    ['not with another spelling of the key', { 'aadpodidentity.k8s.io/behavior': 'namespaced' }, false],
    ['not without annotations', undefined, false],
  ])('%s', (_, annotations, namespaced) => {
    const parsed = parseAzureIdentity({ metadata: { ...metadata, annotations }, spec: { resourceID } });
    expect(parsed.ok && isNamespaced(parsed.value)).toBe(namespaced);
  });
});
