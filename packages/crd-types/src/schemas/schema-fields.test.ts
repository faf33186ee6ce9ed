// The fields that AAD Pod Identity does not have are in parsers and schemas alike.
import { expect, test } from 'vitest';
import { parseAzureIdentity } from '../objects/azure-identity.ts';
import { parseAzureIdentityBinding } from '../objects/azure-identity-binding.ts';
import { parseAzurePodIdentityException } from '../objects/azure-pod-identity-exception.ts';
import { canonicalise } from '../parsing/canonical.ts';
import type { Kind } from '../parsing/group.ts';
import { customResourceDefinitions } from './schemas.ts';

const resourceID =
  '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader';
const selector = { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'Exists' }] };

const isOfOriginal = (key: string) =>
  ['type', 'resourceID', 'azureIdentity', 'selector', 'podLabels'].includes(key);

test.each([
  [
    'AzureIdentityBinding' as const,
    parseAzureIdentityBinding,
    {
      azureIdentity: 'reader',
      selector: 'demo',
      podSelector: selector,
      serviceAccountName: 'web',
      default: true,
    },
  ],
  [
    'AzureIdentity' as const,
    parseAzureIdentity,
    {
      type: 0,
      resourceID,
      auxiliaryTenantIDs: ['contoso.com'],
      allowedNamespaces: { names: ['shop'], selector },
    },
  ],
  [
    'AzurePodIdentityException' as const,
    parseAzurePodIdentityException,
    { podLabels: { app: 'web' }, clientIDs: ['00000000-0000-0000-0000-000000000001'] },
  ],
])('%s: each field is parsed, respelled and described', (kind: Kind, parse, spec) => {
  expect(parse({ metadata: { name: 'a' }, spec })).toMatchObject({ ok: true, value: { spec }, warnings: [] });
  const definition = customResourceDefinitions().find(({ spec: { names } }) => names.kind === kind);
  for (const key of Object.keys(spec)) {
    const place = ['properties', 'spec', 'properties', key, 'type'];
    expect(definition).toHaveProperty(['spec', 'versions', 0, 'schema', 'openAPIV3Schema', ...place]);
    const large = parse({ metadata: { name: 'a' }, spec: { ...spec, [key]: 'x'.repeat(21_000) } });
    expect(large).toMatchObject({
      problems: [{ path: `spec.${key}`, message: expect.stringContaining('shorten it') }],
    });
    const capital = { kind, spec: { [`${key.slice(0, 1).toUpperCase()}${key.slice(1)}`]: null } };
    expect(canonicalise(capital).object).toEqual(
      isOfOriginal(key) ? { kind, spec: { [key]: null } } : capital,
    );
  }
});
