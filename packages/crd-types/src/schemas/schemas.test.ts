import { describe, expect, test } from 'vitest';
import type { Schema } from './schema-parts.ts';
import { customResourceDefinitions, type CustomResourceDefinition } from './schemas.ts';

function partsOf(definition: CustomResourceDefinition) {
  const { names, versions, scope } = definition.spec;
  const version = versions[0]!;
  return { definition, names, scope, version, schema: version.schema.openAPIV3Schema };
}

const byKind = new Map<string, ReturnType<typeof partsOf>>(
  customResourceDefinitions().map((definition) => [definition.spec.names.kind, partsOf(definition)]),
);

describe('the CustomResourceDefinitions', () => {
  test('are those of the original: names, group, version and scope', () => {
    expect([...byKind.values()].map(({ names }) => names)).toEqual(
      [
        ['AzureIdentity', 'azureidentities', 'azureidentity'],
        ['AzureIdentityBinding', 'azureidentitybindings', 'azureidentitybinding'],
        ['AzureAssignedIdentity', 'azureassignedidentities', 'azureassignedidentity'],
        ['AzurePodIdentityException', 'azurepodidentityexceptions', 'azurepodidentityexception'],
      ].map(([kind, plural, singular]) => ({ kind, listKind: `${kind!}List`, plural, singular })),
    );
    for (const { definition, scope, version } of byKind.values()) {
      expect(definition.metadata).toMatchObject({
        annotations: { 'api-approved.kubernetes.io': 'unapproved' },
      });
      expect([scope, version.name]).toEqual(['Namespaced', 'v1']);
      // The API server does not store its default, so each `kubectl apply` would report a change.
      expect(definition.spec).not.toHaveProperty('preserveUnknownFields');
    }
  });

  test('have a status subresource only where the original does not write the status with the rest', () => {
    expect(
      [...byKind].filter(([, { version }]) => version.subresources !== undefined).map(([kind]) => kind),
    ).toEqual(['AzureIdentity', 'AzureIdentityBinding']);
  });

  test('keep unknown keys wherever an old spelling is possible', () => {
    const opened = (kind: string, ...path: string[]) =>
      path.reduce<Schema>((schema, key) => schema.properties![key]!, byKind.get(kind)!.schema);
    for (const place of [
      ...[...byKind.keys()].map((kind) => [kind, 'spec'] as const),
      ['AzureIdentity', 'spec', 'clientPassword'],
      ['AzureAssignedIdentity', 'spec', 'azureIdentityRef'],
      ['AzureAssignedIdentity', 'spec', 'azureBindingRef'],
      ['AzureAssignedIdentity', 'Status'],
      ['AzurePodIdentityException', 'Status'],
    ] as const) {
      const [kind, ...path] = place;
      expect(opened(kind, ...path), place.join('.')).toMatchObject({
        'x-kubernetes-preserve-unknown-fields': true,
      });
    }
  });

  test('allow the four types of identity, with the first as default', () => {
    expect(byKind.get('AzureIdentity')!.schema.properties!['spec']!.properties!['type']).toMatchObject({
      type: 'integer',
      enum: [0, 1, 2, 3],
      default: 0,
    });
  });

  test('have columns for what an object is and whether it works', () => {
    const columns = Object.fromEntries(
      [...byKind].map(([kind, { version }]) => [
        kind,
        version.additionalPrinterColumns.map(({ name }) => name),
      ]),
    );
    expect(columns).toEqual({
      AzureIdentity: ['Type', 'ClientID', 'Ready', 'Reason', 'Age'],
      AzureIdentityBinding: ['AzureIdentity', 'Selector', 'Ready', 'Reason', 'Age'],
      AzureAssignedIdentity: ['Pod', 'PodNamespace', 'AzureIdentity', 'Node', 'Status', 'Age'],
      AzurePodIdentityException: ['PodLabels', 'Age'],
    });
  });

  test('are plain JSON', () => {
    const definitions = customResourceDefinitions();
    expect(JSON.parse(JSON.stringify(definitions))).toEqual(definitions);
  });

  test('have patterns that JavaScript reads with any flag and without', () => {
    const patterns = [...byKind.values()].flatMap(({ schema }) => patternsIn(schema));
    expect(patterns.length).toBeGreaterThan(5);
    for (const pattern of new Set(patterns))
      for (const flags of ['', 'u', 'v', 'i', 'iu', 'iv']) {
        expect(() => new RegExp(pattern, flags), `${pattern} with ${flags}`).not.toThrow();
        // Modifiers such as (?i: and look-ahead are missing in engines of 2023, or in Go.
        expect(pattern).not.toMatch(/\(\?[^:]/);
        // The API server shows it to whoever writes another value: a class for each letter says nothing.
        expect(pattern).not.toMatch(/\[[A-Z][a-z]\]/);
      }
  });

  test('are fresh at each call, so that a caller may change them', () => {
    const [first] = customResourceDefinitions();
    first!.spec.versions[0]!.schema.openAPIV3Schema.properties!['spec']!.description = 'changed';
    first!.spec.versions[0]!.additionalPrinterColumns.length = 0;
    const [again] = customResourceDefinitions();
    expect(again!.spec.versions[0]!.schema.openAPIV3Schema.properties!['spec']!.description).not.toBe(
      'changed',
    );
    expect(again!.spec.versions[0]!.additionalPrinterColumns).not.toEqual([]);
  });
});

function patternsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'pattern' && typeof inner === 'string' ? [inner] : patternsIn(inner),
  );
}
