// The definitions in deploy/crds beside the parsers.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import {
  canonicalise,
  group,
  parseAzureIdentity,
  parseAzureIdentityBinding,
  parseAzurePodIdentityException,
  resources,
  type Kind,
} from '../src/index.ts';
import { mostNamesAllowed } from '../src/objects/allowed-namespaces.ts';
import {
  labelKeyPattern,
  labelValuePattern,
  longestLabelKey,
  longestLabelValue,
  namespacePattern,
  objectNamePattern,
  selectorLimits,
} from '../src/objects/label-selector.ts';

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly [keyword: string]: unknown;
}

interface Definition {
  readonly metadata: { readonly name: string; readonly annotations: object };
  readonly spec: {
    readonly names: { readonly kind: Kind };
    readonly versions: readonly [
      {
        readonly name: string;
        readonly subresources?: object;
        readonly additionalPrinterColumns: readonly { readonly name: string }[];
        readonly schema: { readonly openAPIV3Schema: Schema };
      },
    ];
  } & Readonly<Record<string, unknown>>;
}

const folder = join(import.meta.dirname, '../../../deploy/crds');
const definitions = new Map(
  readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => parse(readFileSync(join(folder, name), 'utf8')) as Definition)
    .map((definition) => [definition.spec.names.kind, definition]),
);
const schemaAt = (kind: Kind, ...path: readonly string[]): Schema =>
  path.reduce<Schema>(
    (schema, key) => schema.properties![key]!,
    definitions.get(kind)!.spec.versions[0].schema.openAPIV3Schema,
  );

describe('the CustomResourceDefinitions', () => {
  test('are those of the original: names, group, version and scope', () => {
    expect([...definitions.keys()].sort()).toEqual(Object.keys(resources).sort());
    for (const [kind, { metadata, spec }] of definitions) {
      const { plural } = resources[kind];
      expect(metadata).toEqual({
        name: `${plural}.${group}`,
        annotations: { 'api-approved.kubernetes.io': 'unapproved' },
      });
      expect(spec).toMatchObject({
        group,
        scope: 'Namespaced',
        names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
        versions: [{ name: 'v1', served: true, storage: true }],
      });
      // The API server does not store its default, so each `kubectl apply` would report a change.
      expect(spec).not.toHaveProperty('preserveUnknownFields');
    }
  });

  test('have a status subresource only where the original does not write the status with the rest', () => {
    expect(
      [...definitions].filter(([, { spec }]) => spec.versions[0].subresources).map(([kind]) => kind),
    ).toEqual(['AzureIdentity', 'AzureIdentityBinding']);
  });

  test.each<readonly [kind: Kind, path: string]>([
    ...[...definitions.keys()].map((kind) => [kind, 'spec'] as const),
    ['AzureIdentity', 'spec.clientPassword'],
    ['AzureAssignedIdentity', 'spec.azureIdentityRef'],
    ['AzureAssignedIdentity', 'spec.azureBindingRef'],
    ['AzureAssignedIdentity', 'Status'],
    ['AzurePodIdentityException', 'Status'],
  ])('keep unknown keys where an old spelling is possible: %s %s', (kind, path) => {
    expect(schemaAt(kind, ...path.split('.'))).toMatchObject({
      'x-kubernetes-preserve-unknown-fields': true,
    });
  });

  test('have columns for what an object is and whether it works', () => {
    const columnsOf = (kind: Kind) =>
      definitions.get(kind)!.spec.versions[0].additionalPrinterColumns.map(({ name }) => name);
    expect(columnsOf('AzureIdentity')).toEqual(['Type', 'ClientID', 'Ready', 'Reason', 'Age']);
    expect(columnsOf('AzureIdentityBinding')).toEqual([
      'AzureIdentity',
      'Selector',
      'Ready',
      'Reason',
      'Age',
    ]);
    expect(columnsOf('AzureAssignedIdentity')).toEqual([
      ...['Pod', 'PodNamespace', 'AzureIdentity', 'Node', 'Status', 'Age'],
    ]);
    expect(columnsOf('AzurePodIdentityException')).toEqual(['PodLabels', 'Age']);
  });

  test('have the limits of the parsers', () => {
    const value = { maxLength: longestLabelValue, pattern: labelValuePattern };
    for (const selector of [
      schemaAt('AzureIdentityBinding', 'spec', 'podSelector'),
      schemaAt('AzureIdentity', 'spec', 'allowedNamespaces', 'selector'),
    ])
      expect(selector.properties).toMatchObject({
        matchLabels: { maxProperties: selectorLimits.labels, additionalProperties: value },
        matchExpressions: {
          maxItems: selectorLimits.expressions,
          items: {
            properties: {
              key: { maxLength: longestLabelKey, pattern: labelKeyPattern },
              values: { maxItems: selectorLimits.values, items: value },
            },
          },
        },
      });
    expect(schemaAt('AzureIdentity', 'spec', 'allowedNamespaces', 'names')).toMatchObject({
      maxItems: mostNamesAllowed,
      items: { pattern: namespacePattern },
    });
    expect(schemaAt('AzureIdentityBinding', 'spec', 'serviceAccountName')).toMatchObject({
      maxLength: 253,
      pattern: objectNamePattern,
    });
    expect(schemaAt('AzureIdentity', 'spec', 'type')).toMatchObject({ enum: [0, 1, 2, 3], default: 0 });
  });
});

const isOfOriginal = (key: string) =>
  ['type', 'resourceID', 'azureIdentity', 'selector', 'podLabels'].includes(key);
const selector = { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'Exists' }] };
const guid = '00000000-0000-0000-0000-000000000001';
const resourceID =
  '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader';
const lent = { names: ['shop'], selector };

test.each([
  [
    'AzureIdentityBinding' as const,
    parseAzureIdentityBinding,
    { azureIdentity: 'reader', selector: 'a', podSelector: selector, serviceAccountName: 'w', default: true },
  ],
  [
    'AzureIdentity' as const,
    parseAzureIdentity,
    { type: 0, resourceID, auxiliaryTenantIDs: ['contoso.com'], allowedNamespaces: lent },
  ],
  [
    'AzurePodIdentityException' as const,
    parseAzurePodIdentityException,
    { podLabels: { app: 'web' }, clientIDs: [guid] },
  ],
])('%s: each field is parsed, limited, respelled and described', (kind, parseObject, spec) => {
  const metadata = { name: 'a' };
  expect(parseObject({ metadata, spec })).toMatchObject({ ok: true, value: { spec }, warnings: [] });
  for (const key of Object.keys(spec)) {
    expect(schemaAt(kind, 'spec', key)).toHaveProperty('type');
    expect(parseObject({ metadata, spec: { ...spec, [key]: 'x'.repeat(21_000) } })).toMatchObject({
      problems: [{ path: `spec.${key}`, message: expect.stringContaining('shorten it') }],
    });
    const capital = { kind, spec: { [`${key.slice(0, 1).toUpperCase()}${key.slice(1)}`]: null } };
    expect(canonicalise(capital).object).toEqual(
      isOfOriginal(key) ? { kind, spec: { [key]: null } } : capital,
    );
  }
});
