import { expect, test } from 'vitest';
import { parseAzureIdentity } from './azure-identity.ts';
import { parseAzureIdentityBinding } from './azure-identity-binding.ts';
import { parseAzurePodIdentityException } from './azure-pod-identity-exception.ts';
import { tellWarnings } from './tell-warnings.ts';

const metadata = { name: 'a', namespace: 'shop' };

test('the warnings of each kind are told with their paths; old spellings are not among them', () => {
  const objects = [
    parseAzureIdentity({
      metadata,
      spec: { type: 1, ClientID: 'x', TenantID: 'contoso.com', clientPassword: { name: 's' } },
    }),
    parseAzureIdentityBinding({ metadata, spec: { AzureIdentity: 'a', selector: 'a b' } }),
    parseAzurePodIdentityException({ metadata, spec: { podLabels: {} } }),
  ].map((parsed) => (parsed.ok ? tellWarnings(parsed.value) : parsed.problems));
  expect(objects).toEqual([
    [expect.stringMatching(/^spec\.clientID is "x", which is no GUID: /)],
    [expect.stringMatching(/^spec\.selector is "a b", which no label can have /)],
    ['spec.podLabels is empty: this exception is for no pod'],
  ]);
});

test.each([
  [5, 5, undefined],
  [6, 6, 'and 1 more'],
  [500, 6, 'and 95 more'],
])('of %i warnings %i texts are told', (count, told, last) => {
  const podLabels = Object.fromEntries(Array.from({ length: count }, (_, at) => [`k ${at}`, 'v']));
  const parsed = parseAzurePodIdentityException({ metadata, spec: { podLabels } });
  const texts = parsed.ok ? tellWarnings(parsed.value) : [];
  expect(texts).toHaveLength(told);
  if (last !== undefined) expect(texts.at(-1)).toBe(last);
});

test('of an object that is not valid there are none: its problems are told', () => {
  const parsed = parseAzureIdentityBinding({ metadata, spec: { azureIdentity: 'a', selector: 'a b' } });
  if (!parsed.ok) throw new Error('is valid');
  expect(tellWarnings({ ...parsed.value, spec: { ...parsed.value.spec, azureIdentity: '' } })).toEqual([]);
});
