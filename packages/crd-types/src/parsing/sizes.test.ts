import { expect, test } from 'vitest';
import { parseAzureAssignedIdentity } from '../matching/azure-assigned-identity.ts';
import { parseAzureIdentity } from '../objects/azure-identity.ts';
import { parseAzureIdentityBinding } from '../objects/azure-identity-binding.ts';
import { parseAzurePodIdentityException } from '../objects/azure-pod-identity-exception.ts';

const metadata = { name: 'a', namespace: 'shop' };
const resourceID =
  '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader';
const identity = (spec: object) => parseAzureIdentity({ metadata, spec: { type: 0, resourceID, ...spec } });
const binding = (spec: object) =>
  parseAzureIdentityBinding({ metadata, spec: { azureIdentity: 'a', selector: 's', ...spec } });
const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`a${n}`, 1]));

test('attack: a field that is larger than any use needs is a problem, in any spelling', () => {
  expect(identity({ ClientID: 'x'.repeat(2_000) })).toEqual({
    ok: false,
    problems: [{ path: 'spec.clientID', message: 'has more than 1024 characters: shorten it' }],
  });
  expect(identity({ tenantID: 'x'.repeat(1_000) }).ok).toBe(true);
  const podSelector = { matchLabels: { app: 'x'.repeat(17_000) } };
  expect(binding({ podSelector })).toMatchObject({ problems: [{ path: 'spec.podSelector' }] });
  const podLabels = Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`label-${n}`, 'value']));
  expect(parseAzurePodIdentityException({ metadata, spec: { podLabels } }).ok).toBe(false);
});

test('attack: a misspelt key after a thousand unknown ones: the object is refused, since no more are looked at', () => {
  const fault = { path: 'spec', message: expect.stringMatching(/^has more than 1000 keys, /) };
  expect(identity({ ...many(900), allowedNamespace: {} }).ok).toBe(false);
  expect(identity({ ...many(1_001), allowedNamespace: {} })).toEqual({ ok: false, problems: [fault] });
  expect(binding({ ...many(100_000), podSelectors: {} })).toEqual({ ok: false, problems: [fault] });
  const spec = { podLabels: { app: 'web' }, ...many(1_001), clientID: [] };
  expect(parseAzurePodIdentityException({ metadata, spec })).toEqual({ ok: false, problems: [fault] });
  expect(identity(many(900)).ok).toBe(true);
});

test('a record is read whatever size the copies in it have: its pod is known', () => {
  const copy = { metadata, spec: { type: 0, resourceID, clientID: 'x'.repeat(100_000) } };
  const spec = { pod: 'p', podNamespace: 'n', nodename: 'o', azureIdentityRef: copy, azureBindingRef: {} };
  expect(parseAzureAssignedIdentity({ metadata, spec })).toMatchObject({ ok: true });
  expect(parseAzureAssignedIdentity({ metadata, spec: { ...spec, pod: 'p'.repeat(1_100) } }).ok).toBe(false);
});

test('attack: a field that is too deep to be written as JSON is too large, whatever else it has', () => {
  const deep: unknown = JSON.parse(`${'['.repeat(9_000)}${']'.repeat(9_000)}`);
  const clientPassword = { name: 'x'.repeat(100_000), namespace: 'shop', deep };
  expect(
    parseAzureIdentity({ metadata: { name: 'reader' }, spec: { type: 1, clientPassword } }),
  ).toMatchObject({
    ok: false,
    problems: [{ path: 'spec.clientPassword', message: 'has more than 1024 characters: shorten it' }],
  });
});
