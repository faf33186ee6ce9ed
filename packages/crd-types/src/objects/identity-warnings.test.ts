import { describe, expect, test } from 'vitest';
import { parseAzureIdentity } from './azure-identity.ts';

const clientID = '2c1b6f5e-1111-4222-8333-0123456789ab';
const metadata = { name: 'reader', namespace: 'shop' };

describe('a value of an AzureIdentity that can never work', () => {
  const tenant = '72f988bf-86f1-41af-91ab-2d7cd011db47';
  const warnedOf = (more: object) => {
    const given = { type: 1, clientID, tenantID: tenant, clientPassword: { name: 's' }, ...more };
    const parsed = parseAzureIdentity({ metadata, spec: given });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    return parsed.warnings.map(({ path, message }) => `${path} ${message}`);
  };

  test.each<[object, RegExp]>([
    [{ clientID: 'reader' }, /^spec\.clientID is "reader", which is no GUID: write /],
    [{ tenantID: 'contoso' }, /^spec\.tenantID is "contoso", which is neither .*a GUID.* nor a domain/],
    [{ tenantID: '../evil' }, /^spec\.tenantID is "\.\.\/evil"/],
    [{ tenantID: `${'a.'.repeat(130)}com` }, /^spec\.tenantID is "a\.a\..*\.\.\.", which/],
    [{ auxiliaryTenantIDs: ['contoso'] }, /^spec\.auxiliaryTenantIDs has "contoso", which is neither/],
    [{ auxiliaryTenantIDs: [tenant, ''] }, /^spec\.auxiliaryTenantIDs has nothing, which is neither/],
    [
      { auxiliaryTenantIDs: [tenant, tenant, tenant, tenant] },
      /^spec\.auxiliaryTenantIDs has 4 tenants, .* at most 3: remove/,
    ],
    [
      { adEndpoint: 'http://login.example.com' },
      /^spec\.adEndpoint is "http:\/\/login\.example\.com", which is no https/,
    ],
    [{ adEndpoint: 'login.example.com' }, /^spec\.adEndpoint is "login\.example\.com", which is no https/],
    [{ adEndpoint: 'https://' }, /^spec\.adEndpoint is "https:\/\/", which is no https/],
    [
      { adEndpoint: 'https://login.example.com/tenant?x=1' },
      /^spec\.adEndpoint is "https:\/\/login\.example\.com\/tenant\?x=1", of which only the host counts: write "https:\/\/login\.example\.com"$/,
    ],
    [
      { adEndpoint: 'https://login.example.com#a' },
      /of which only the host counts: write "https:\/\/login\.example\.com"$/,
    ],
    [
      { adEndpoint: 'https://user:word@login.example.com' },
      /^spec\.adEndpoint has a user name or a password: remove/,
    ],
    [
      { adEndpoint: 'user:word@login.example.com' },
      /^spec\.adEndpoint has a user name or a password: remove/,
    ],
    [{ adEndpoint: 'https://login.example.com/a@b' }, /of which only the host counts/],
  ])('%j: a warning names field, value and remedy', (more, expected) => {
    expect(warnedOf(more)).toEqual([expect.stringMatching(expected)]);
    expect(JSON.stringify(warnedOf(more))).not.toContain('word@');
    expect(JSON.stringify(warnedOf(more)).length).toBeLessThan(1000);
  });

  test.each<object>([
    { tenantID: 'contoso.onmicrosoft.com' },
    { tenantID: tenant.toUpperCase() },
    { tenantID: 'adfs' },
    { auxiliaryTenantIDs: [tenant, 'contoso.com', 'xn--bcher-kva.example'] },
    { adEndpoint: 'https://login.microsoftonline.us' },
    { adEndpoint: 'https://login.microsoftonline.com/' },
    { adEndpoint: 'https://adfs.local.azurestack.external:8443' },
    { adEndpoint: 'HTTPS://[fd00::1]:8443/' },
    { adResourceID: 'vault' },
  ])('%j can work: no warning', (more) => {
    expect(warnedOf(more)).toEqual([]);
  });
});
