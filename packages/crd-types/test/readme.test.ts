// The README names each export, so that a reader finds in it what the package has.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as library from '../src/index.ts';

const folder = join(import.meta.dirname, '..');
const readme = readFileSync(join(folder, 'README.md'), 'utf8');
/** Types are not in the module at run time. A check in CI keeps the report equal to the sources. */
const report = readFileSync(join(folder, 'api/index.api.md'), 'utf8');

const declared = [
  ...report.matchAll(/^export (?:declare )?(?:const|function|interface|type|class) (\w+)/gm),
].map(([, name = '']) => name);

test('each export is named in the README', () => {
  expect(declared.length).toBeGreaterThan(100);
  const names = [...new Set([...Object.keys(library), ...declared])];
  expect(names.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
});

test('the README names nothing as an export that is none', () => {
  const [, exported = ''] = /^## Exports$(.*?)^## /ms.exec(readme) ?? [];
  const named = [...exported.matchAll(/^- (.*?)(?=^- |^$)/gms)].flatMap(([item]) => [
    ...item.matchAll(/`(\w+)`/g),
  ]);
  expect(named.length).toBeGreaterThan(100);
  const known = new Set([...Object.keys(library), ...declared, ...fields]);
  expect(named.map(([, name = '']) => name).filter((name) => !known.has(name))).toEqual([]);
});

/** Fields and labels that descriptions of exports mention. */
const fields = ['selector', 'podSelector', 'serviceAccountName', 'allowedNamespaces'];

/** Of each bullet of the README about warnings: its words, and an object with exactly that warning. */
const metadata = { name: 'a', namespace: 'shop' };
const principal = {
  type: 1,
  clientID: '2c1b6f5e-1111-4222-8333-0123456789ab',
  tenantID: 'contoso.com',
  clientPassword: { name: 's' },
};
const resourceID = `/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/a`;
const behavior = 'aadpodidentity.k8s.io/behavior';
const identity = (spec: object, more: object = {}) =>
  library.parseAzureIdentity({ metadata: { ...metadata, ...more }, spec: { resourceID, ...spec } });
const binding = (spec: object, more: object = {}) =>
  library.parseAzureIdentityBinding({
    metadata: { ...metadata, ...more },
    spec: { azureIdentity: 'a', ...spec },
  });
const exception = (spec: object) =>
  library.parseAzurePodIdentityException({ metadata, spec: { podLabels: { app: 'a' }, ...spec } });
const record = (spec: object, status: string) =>
  library.parseAzureAssignedIdentity({ metadata, spec: { pod: 'p', ...spec }, status: { status } });

test.each<[string, () => library.Parsed<unknown>]>([
  ['an old spelling of a key', () => identity({ ClientID: principal.clientID })],
  ['in another case or', () => identity({}, { annotations: { [behavior]: 'namespaced' } })],
  ['with another value', () => identity({}, { annotations: { [library.behaviorAnnotation]: 'x' } })],
  ['as a label', () => identity({}, { labels: { [library.behaviorAnnotation]: 'namespaced' } })],
  ['or on a binding', () => binding({ selector: 's' }, { annotations: { [behavior]: 'namespaced' } })],
  ['a client id that is no GUID', () => identity({ clientID: 'web' })],
  ['a tenant that is neither a GUID nor a domain', () => identity({ ...principal, tenantID: 'contoso' })],
  ['three auxiliary tenants', () => identity({ ...principal, auxiliaryTenantIDs: Array(4).fill('a.com') })],
  ['no https address', () => identity({ adEndpoint: 'http://login' })],
  ['has credentials', () => identity({ adEndpoint: 'https://a:b@login' })],
  ['a path', () => identity({ adEndpoint: 'https://login/tenant' })],
  ['without a client id', () => identity({ ...principal, clientID: undefined })],
  ['a tenant or a Secret', () => identity({ ...principal, tenantID: undefined })],
  ['a Secret', () => identity({ ...principal, clientPassword: undefined })],
  ['allows no namespace', () => identity({ allowedNamespaces: { names: [] } })],
  [
    'has no effect beside the annotation',
    () =>
      identity(
        { allowedNamespaces: { names: ['b'] } },
        { annotations: { [library.behaviorAnnotation]: 'namespaced' } },
      ),
  ],
  ['a `selector`', () => binding({ selector: 'a b' })],
  ['an empty `podSelector`', () => binding({ selector: 'a', podSelector: {} })],
  ['an exception that no pod can match', () => exception({ podLabels: {} })],
  ['`clientIDs` is empty', () => exception({ clientIDs: [] })],
  ['one that is no GUID', () => exception({ clientIDs: ['web'] })],
  ['a state that is none', () => record({}, 'Done')],
  [
    'all problems of the copies',
    () => record({ azureIdentityRef: { metadata, spec: { type: 7 } } }, 'Assigned'),
  ],
])('the README tells the warning about %s', (words, parse) => {
  const list = /^Warnings are about (.*?)^(?:There are at most|MIC adds)/ms.exec(readme)?.[1] ?? '';
  expect(list.replace(/\s+/g, ' ')).toContain(words);
  const parsed = parse();
  expect(parsed.ok && parsed.warnings).toHaveLength(1);
});

test('the README tells which tenant is no reason for a warning', () => {
  expect(identity({ ...principal, tenantID: 'adfs' })).toMatchObject({ ok: true, warnings: [] });
});
