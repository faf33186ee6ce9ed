import { expect, test } from 'vitest';
import { parseAzureIdentity } from './azure-identity.ts';
import { parseAzureIdentityBinding } from './azure-identity-binding.ts';
import { parseAzurePodIdentityException } from './azure-pod-identity-exception.ts';
import { problemTexts, warningTexts } from './object-texts.ts';

const metadata = { name: 'a', namespace: 'shop' };

test('the warnings of each kind are told with their paths; old spellings are not among them', () => {
  const objects = [
    parseAzureIdentity({
      metadata,
      spec: { type: 1, ClientID: 'x', TenantID: 'contoso.com', clientPassword: { name: 's' } },
    }),
    parseAzureIdentityBinding({ metadata, spec: { AzureIdentity: 'a', selector: 'a b' } }),
    parseAzurePodIdentityException({ metadata, spec: { podLabels: {} } }),
  ].map((parsed) => (parsed.ok ? warningTexts(parsed.value) : parsed.problems));
  expect(objects).toEqual([
    [expect.stringMatching(/^spec\.clientID is "x", which is no GUID: /)],
    [expect.stringMatching(/^spec\.selector is "a b", which no label can have /)],
    ['spec.podLabels is empty: this exception is for no pod'],
  ]);
});

test.each([
  [5, 5, undefined],
  [6, 6, 'and 1 more'],
  [99, 6, 'and 94 more'],
  [100, 6, 'and 95 more'],
  [500, 6, 'and 95 more'],
])('of %i warnings %i texts are told', (count, told, last) => {
  const podLabels = Object.fromEntries(Array.from({ length: count }, (_, at) => [`k ${at}`, 'v']));
  const parsed = parseAzurePodIdentityException({ metadata, spec: { podLabels } });
  const texts = parsed.ok ? warningTexts(parsed.value) : [];
  expect(texts).toHaveLength(told);
  if (last !== undefined) expect(texts.at(-1)).toBe(last);
});

test('of an object that is not valid there are none: its problems are told', () => {
  const parsed = parseAzureIdentityBinding({ metadata, spec: { azureIdentity: 'a', selector: 'a b' } });
  if (!parsed.ok) throw new Error('is valid');
  expect(warningTexts({ ...parsed.value, spec: { ...parsed.value.spec, azureIdentity: '' } })).toEqual([]);
});

test.each([
  [1, 1, 'spec.podSelector.k0 is not known here: write matchLabels, matchExpressions'],
  [10, 10, 'spec.podSelector.k9 is not known here: write matchLabels, matchExpressions'],
  [11, 11, 'and 1 more'],
  [100, 11, 'and 90 more'],
  [500, 11, 'and 90 more'],
])('of %i problems %i texts are told', (count, told, last) => {
  const podSelector = Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 'v']));
  const parsed = parseAzureIdentityBinding({
    metadata,
    spec: { azureIdentity: 'a', selector: 'b', podSelector },
  });
  const texts = parsed.ok ? [] : problemTexts(parsed.problems);
  expect(texts).toHaveLength(told);
  expect(texts.at(-1)).toBe(last);
});

test('a path is told with 200 characters at most, none of them cut in half', () => {
  const path = (length: number, end = '') =>
    problemTexts([{ path: 'x'.repeat(length) + end, message: 'is bad' }]);
  expect(path(200)).toEqual([`${'x'.repeat(200)} is bad`]);
  expect(path(201)).toEqual([`${'x'.repeat(200)}... is bad`]);
  expect(path(199, '\u{1f600}')).toEqual([`${'x'.repeat(199)}... is bad`]);
  expect(path(198, '\u{1f600}yz')).toEqual([`${'x'.repeat(198)}\u{1f600}... is bad`]);
  expect(problemTexts([{ path: '', message: 'is bad' }])).toEqual(['is bad']);
  expect(problemTexts([])).toEqual([]);
});
