import { expect, test } from 'vitest';
import { pageHeaders, renderPage } from './page.ts';

const now = new Date('2026-11-27T12:00:00Z');
const days = (count: number) => new Date(now.getTime() + count * 86_400_000);
const settings = { vaultUrl: 'https://demo.vault.azure.net', isImds: false };
const render = (known: Partial<Parameters<typeof renderPage>[1]>, more: Partial<typeof settings> = {}) =>
  renderPage({ ...settings, ...more }, { identity: undefined, entries: [], ...known }, now);
const object = { version: 'b2', enabled: true };
const item = { kind: 'secret', name: 'database' } as const;

/** As a reader sees it. */
const textOf = (page: string) =>
  page
    .replace(/<style>.*?<\/style>/s, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');

test('shows whose identity it is and where the tokens come from', () => {
  const resourceId =
    '/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader';
  const identity = { clientId: 'client', objectId: 'object', tenantId: 'tenant', resourceId };
  const text = textOf(render({ identity }));
  for (const shown of [resourceId, 'client id client', 'object id object', 'tenant tenant'])
    expect(text).toContain(shown);
  expect(text).toContain('@azure/identity');
  expect(textOf(render({}, { isImds: true }))).toContain('No token yet, from @pod-identity/imds-client');
});

test.each([
  [new Date(1e20), 'expires unknown'],
  [days(-1), 'expires 2026-11-26 12:00 UTC (expired)'],
  [days(10.5), 'expires 2026-12-08 00:00 UTC (soon: in 10 days)'],
])('expiry %s: %s', (expiresOn, text) => {
  const page = render({ entries: [{ item, object: { ...object, expiresOn }, readAt: now }] });
  expect(textOf(page)).toContain(text);
});

test('shows the version, the one before, the state and the time of the read', () => {
  const entry = { item, object: { ...object, enabled: false }, readAt: now, versionBefore: 'a1' };
  const text = textOf(render({ entries: [entry] }));
  expect(text).toContain(
    'database secret version b2 before a1 expires never state disabled read 2026-11-27 12:00 UTC',
  );
});

test('shows the problem and the remedy of a failed read beside what was read before', () => {
  const failure = {
    reason: 'no-role',
    sentence: 'No right. Give one',
    detail: 'Caller is not authorized',
  } as const;
  const text = textOf(render({ entries: [{ item, object, readAt: now, failure }] }));
  expect(text).toContain('version b2');
  expect(text).toContain('No right. Give one. [no-role] Caller is not authorized');
});

test('says in its title and at its top how many reads failed, and shows these first', () => {
  const failure = { reason: 'no-role', sentence: 'No', detail: undefined } as const;
  const other = { kind: 'key', name: 'signing' } as const;
  const entries = [
    { item, object, readAt: now },
    { item: other, failure },
  ];
  const page = render({ entries });
  expect(page).toContain('<title>1 of 2 failed - keyvault-sample</title>');
  expect(textOf(page)).toMatch(/Vault \S+ 1 of 2 failed .* signing key No\. .* database secret/);
  const good = render({ entries: [{ item, object, readAt: now }, { item: other }] });
  expect(textOf(good)).toContain('1 of 2 read');
});

test('escapes what others wrote', () => {
  const said = `<script>alert("1")</script><img src=x onerror='1'>&`;
  const failure = { reason: 'unknown', sentence: said, detail: said } as const;
  const identity = { clientId: said, objectId: said, tenantId: said, resourceId: said };
  const page = render({ identity, entries: [{ item, failure }] }, { vaultUrl: said });
  expect(page).not.toMatch(/<(script|img)/);
  expect(page).toContain(
    '&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;&#60;img src=x onerror=&#39;1&#39;&#62;&#38;',
  );
});

test('has no script, no address of another site, and a policy that would refuse both', () => {
  const page = render({});
  expect(page).not.toMatch(/<(script|link|img|iframe)|\son\w+=|url\(|@import|http-equiv/);
  expect(pageHeaders['content-security-policy']).toMatch(
    /^default-src 'none'; style-src 'sha256-[\w+/=]{44}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
  );
  expect(page).toContain('<meta name="viewport" content="width=device-width, initial-scale=1" />');
});

test('of a list that failed it shows why, beside what was read before', () => {
  const all = { kind: 'secret', name: '*' } as const;
  const failure = { reason: 'no-role', sentence: 'No right. Give one', detail: undefined } as const;
  const text = textOf(
    render({
      entries: [
        { item: all, failure },
        { item, object },
      ],
    }),
  );
  expect(text).toContain('all secrets No right. Give one. [no-role]');
  expect(text).toContain('1 of 2 failed');
});
