import { expect, test } from 'vitest';
import { pageHeaders, renderPage } from './page.ts';
import type { Status } from './status.ts';

const now = new Date('2026-11-27T12:00:00Z');
const days = (count: number) => new Date(now.getTime() + count * 86_400_000);
const empty: Status = {
  vaultUrl: 'https://demo.vault.azure.net',
  credential: 'default',
  identity: undefined,
  entries: [],
  roundBegan: undefined,
  isReading: false,
};
const object = { version: 'b2', enabled: true, expiresOn: undefined };
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
  const text = textOf(renderPage({ ...empty, identity }, now));
  for (const shown of ['name reader', resourceId, 'client id client', 'object id object', 'tenant tenant'])
    expect(text).toContain(shown);
  expect(text).toContain('DefaultAzureCredential');
  expect(textOf(renderPage({ ...empty, credential: 'imds' }, now))).toContain(
    'No token yet, from createImdsCredential',
  );
});

test.each([
  [undefined, 'expires never'],
  [new Date(1e20), 'expires unknown'],
  [days(-1), 'expires 2026-11-26 12:00 UTC (expired)'],
  [days(10.5), 'expires 2026-12-08 00:00 UTC (soon: in 10 days)'],
])('expiry %s: %s', (expiresOn, text) => {
  const page = renderPage(
    { ...empty, entries: [{ item, object: { ...object, expiresOn }, readAt: now }] },
    now,
  );
  expect(textOf(page)).toContain(text);
});

test('shows the version, the one before, the state and the time of the read', () => {
  const entry = { item, object: { ...object, enabled: false }, readAt: now, versionBefore: 'a1' };
  const text = textOf(renderPage({ ...empty, entries: [entry] }, now));
  expect(text).toContain(
    'database secret version b2 before a1 expires never state disabled read 2026-11-27 12:00 UTC',
  );
});

test('shows the problem and the remedy of a failed read beside what was read before', () => {
  const failure = {
    reason: 'no-role',
    problem: 'No right',
    remedy: 'Give one',
    detail: 'Caller is not authorized',
  } as const;
  const text = textOf(renderPage({ ...empty, entries: [{ item, object, readAt: now, failure }] }, now));
  expect(text).toContain('version b2');
  expect(text).toContain('No right. [no-role] Give one. Caller is not authorized');
});

test('says in its title and at its top how many reads failed, and shows these first', () => {
  const failure = { reason: 'no-role', problem: 'No', remedy: 'Give', detail: undefined } as const;
  const other = { kind: 'key', name: 'signing' } as const;
  const entries = [
    { item, object, readAt: now },
    { item: other, failure },
  ];
  const page = renderPage({ ...empty, entries }, now);
  expect(page).toContain('<title>1 of 2 failed - keyvault-sample</title>');
  expect(textOf(page)).toMatch(/Vault \S+ 1 of 2 failed .* signing key No\. .* database secret/);
  const good = renderPage({ ...empty, entries: [{ item, object, readAt: now }, { item: other }] }, now);
  expect(textOf(good)).toContain('1 of 2 read');
});

test('escapes what others wrote', () => {
  const said = `<script>alert("1")</script><img src=x onerror='1'>&`;
  const failure = { reason: 'unknown', problem: said, remedy: said, detail: said } as const;
  const identity = { clientId: said, objectId: said, tenantId: said, resourceId: said };
  const page = renderPage({ ...empty, vaultUrl: said, identity, entries: [{ item, failure }] }, now);
  expect(page).not.toMatch(/<(script|img)/);
  expect(page).toContain(
    '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&lt;img src=x onerror=&#39;1&#39;&gt;&amp;',
  );
});

test('has no script, no address of another site, and a policy that would refuse both', () => {
  const page = renderPage(empty, now);
  expect(page).not.toMatch(/<(script|link|img|iframe)|\son\w+=|url\(|@import|http-equiv/);
  expect(pageHeaders['content-security-policy']).toMatch(
    /^default-src 'none'; style-src 'sha256-[\w+/=]{44}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
  );
  expect(page).toContain('<meta name="viewport" content="width=device-width, initial-scale=1" />');
});

test('of a list it shows what is not read of it, which is not a failed read, or why it failed', () => {
  const all = { kind: 'secret', name: '*' } as const;
  const note = 'The vault has more secrets than are read: the first 50 are';
  const entries = [
    { item: all, note },
    { item, object },
  ];
  const text = textOf(renderPage({ ...empty, entries }, now));
  expect(text).toContain(`all secrets list ${note}.`);
  expect(text).toContain('1 of 1 read');
  expect(textOf(renderPage({ ...empty, entries: [{ item: all }] }, now))).toContain(
    'all secrets list Not read yet.',
  );
  const failure = { reason: 'no-role', problem: 'No right', remedy: 'Give one', detail: undefined } as const;
  const failed = textOf(
    renderPage(
      {
        ...empty,
        entries: [
          { item: all, failure },
          { item, object },
        ],
      },
      now,
    ),
  );
  expect(failed).toContain('all secrets list No right. [no-role] Give one.');
  expect(failed).toContain('1 of 2 failed');
});

test('a remedy that is that of a failure above is not repeated', () => {
  const failure = {
    reason: 'no-identity',
    problem: 'No identity',
    remedy: 'Label it',
    detail: 'said',
  } as const;
  const entries = [
    { item, failure },
    { item: { ...item, name: 'two' }, failure },
    { item: { ...item, name: 'three' }, failure: { ...failure, detail: 'said otherwise' } },
  ];
  const text = textOf(renderPage({ ...empty, entries }, now));
  expect(text).toContain('database secret No identity. [no-identity] Label it. said');
  expect(text).toContain('two secret No identity. [no-identity] The same as for secret database above.');
  expect(text).toContain('three secret No identity. [no-identity] Label it. said otherwise');
});
