import { describe, expect, test } from 'vitest';
import { customResourceDefinitions } from './schemas.ts';

interface Version {
  readonly name: string;
  readonly subresources?: object;
  readonly additionalPrinterColumns: readonly { readonly name: string; readonly jsonPath: string }[];
  readonly schema: { readonly openAPIV3Schema: Schema };
}
interface Schema {
  readonly type: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
}

const byKind = new Map(
  customResourceDefinitions().map((definition) => {
    const { names, versions, scope } = definition.spec as {
      names: { kind: string };
      versions: [Version];
      scope: string;
    };
    return [
      names.kind,
      { definition, names, scope, version: versions[0], schema: versions[0].schema.openAPIV3Schema },
    ];
  }),
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
      // Else `kubectl apply` over a definition of v1beta1 is refused: its true stays, and the schema has defaults.
      expect(definition.spec).toMatchObject({ preserveUnknownFields: false });
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

  test('allow the three types of identity, with the first as default', () => {
    expect(byKind.get('AzureIdentity')!.schema.properties!['spec']!.properties!['type']).toMatchObject({
      type: 'integer',
      enum: [0, 1, 2],
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
});
