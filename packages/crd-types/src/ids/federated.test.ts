import { describe, expect, it, test } from 'vitest';
import { accessTargetsOf, federatedTarget, parseAccessTarget } from '../access/access.ts';
import { parseAzureIdentity } from '../objects/azure-identity.ts';
import { rolesFor } from '../access/access-roles.ts';

const clientID = '2C1B6F5E-1111-4222-8333-0123456789AB';
const tenantID = '72F988BF-86F1-41AF-91AB-2D7CD011DB47';
const name = `${tenantID}/${clientID}`.toLowerCase();
const resourceID =
  '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/r';
const metadata = { name: 'reader', namespace: 'shop' };
const parse = (spec: object) =>
  parseAzureIdentity({ metadata, spec: { type: 3, clientID, tenantID, ...spec } });
const problemsOf = (spec: object) => {
  const parsed = parse(spec);
  return parsed.ok ? [] : parsed.problems.map(({ path, message }) => `${path} ${message}`);
};

describe('an AzureIdentity of type 3', () => {
  it.each([
    ['with its two ids', {}],
    ['that was of type 0', { resourceID }],
    [
      'with what clients in Go write for no value',
      { clientPassword: {}, auxiliaryTenantIDs: [], adEndpoint: '' },
    ],
    ['with null in other fields', { clientPassword: null, auxiliaryTenantIDs: null, resourceID: null }],
  ])('is valid %s', (_, spec) => {
    expect(parse(spec)).toMatchObject({
      ok: true,
      value: { spec: { type: 3, clientID, tenantID } },
      warnings: [],
    });
  });

  it.each([
    ['no client id', { clientID: '' }, /^spec\.clientID is missing/],
    ['a client id that is no GUID', { clientID: 'reader' }, /^spec\.clientID must be a GUID for type 3/],
    ['no tenant', { tenantID: undefined }, /^spec\.tenantID is missing/],
    [
      'a domain as the tenant',
      { tenantID: 'contoso.com' },
      /^spec\.tenantID must be the id .*not one of its domains/,
    ],
    ['a Secret', { clientPassword: { name: 'app' } }, /^spec\.clientPassword must be removed/],
    ['further tenants', { auxiliaryTenantIDs: [tenantID] }, /^spec\.auxiliaryTenantIDs must be removed/],
    ['a login endpoint', { adEndpoint: 'https://login.evil.example' }, /^spec\.adEndpoint must be removed/],
  ])('is refused with %s', (_, spec, expected) => {
    expect(problemsOf(spec)).toEqual([expect.stringMatching(expected)]);
  });

  it('is valid with a resource id by which no request can name it, and warned of', () => {
    expect(parse({ resourceID: 'reader' })).toMatchObject({
      ok: true,
      warnings: [{ path: 'spec.resourceID' }],
    });
  });
});

describe('the right to use a federated identity', () => {
  test('is one of its own, on its client id in its tenant or on the tenant, in lower case', () => {
    const parsed = parse({ resourceID });
    const targets = parsed.ok ? accessTargetsOf(parsed.value) : undefined;
    expect(targets).toEqual({
      ok: true,
      value: [{ resource: 'federatedidentities', names: [name, tenantID.toLowerCase()] }],
      warnings: [],
    });
  });

  test('attack: a right on the same application with a Secret is none on the federated identity', () => {
    const parsed = parse({});
    const federated = parsed.ok ? accessTargetsOf(parsed.value) : undefined;
    const application = parseAccessTarget(name);
    expect(federated?.ok && federated.value.map(({ resource }) => resource)).toEqual(['federatedidentities']);
    expect(application.ok && application.value.resource).toBe('applications');
  });

  test('attack: a domain of the tenant, which a right on its id would miss, names no target', () => {
    expect(federatedTarget('contoso.com', clientID)).toMatchObject({
      ok: false,
      problems: [{ path: 'spec.tenantID' }],
    });
    expect(parseAccessTarget(`federatedidentities/contoso.com/${clientID}`).ok).toBe(false);
  });

  test('is named on a command line with its resource, and granted by a role of that resource alone', () => {
    const parsed = parseAccessTarget(`federatedidentities/${tenantID}/${clientID}`);
    expect(parsed).toEqual(federatedTarget(tenantID, clientID));
    expect(parseAccessTarget(`federatedidentities/${tenantID}/${clientID}/x`).ok).toBe(false);
    const targets = parsed.ok ? [parsed.value] : [];
    const { objects } = rolesFor({ subjects: [{ namespace: 'shop', name: 'web' }], targets });
    expect(objects[0]).toMatchObject({
      rules: [{ resources: ['federatedidentities'], resourceNames: [name] }],
    });
  });
});
