import { at, isRecord, recordAt, textAt, type KubeObject } from './object.ts';
import type { Cause } from './status.ts';

/**
 * CustomResourceDefinitions: their defaults and validation.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
 */
export function establish(definition: KubeObject): KubeObject {
  const spec = recordAt(definition, 'spec');
  const kind = textAt(spec, 'names', 'kind');
  const names = { singular: kind.toLowerCase(), listKind: `${kind}List`, ...recordAt(spec, 'names') };
  const status = recordAt(definition, 'status');
  const conditions = [
    condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
    condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
  ];
  return {
    ...definition,
    spec: { conversion: { strategy: 'None' }, ...spec, names },
    status: {
      acceptedNames: names,
      conditions,
      storedVersions: storageVersions(spec['versions']),
      ...status,
    },
  };

  function condition(type: string, reason: string, message: string) {
    return {
      type,
      status: 'True',
      reason,
      message,
      lastTransitionTime: definition.metadata.creationTimestamp,
    };
  }
}

const storageVersions = (versions: unknown): string[] =>
  list(versions)
    .filter((version) => at(version, 'storage') === true)
    .map((version) => textAt(version, 'name'));

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const required = (field: string): Cause => ({
  reason: 'FieldValueRequired',
  field,
  message: 'Required value',
});

export function definitionCauses(definition: KubeObject): readonly Cause[] {
  const spec = recordAt(definition, 'spec');
  const [group, plural] = [textAt(spec, 'group'), textAt(spec, 'names', 'plural')];
  const expected = `${plural}.${group}`;
  const { name = '', annotations = {} } = definition.metadata;
  const causes: Cause[] = [];
  if (name !== expected)
    causes.push(invalid('metadata.name', name, `must be spec.names.plural+"."+spec.group`));
  if (isProtected(group) && !annotations['api-approved.kubernetes.io']) {
    causes.push(required('metadata.annotations[api-approved.kubernetes.io]'));
  }
  if (textAt(spec, 'names', 'kind') === '') causes.push(required('spec.names.kind'));
  const scope = textAt(spec, 'scope');
  if (scope === '') causes.push(required('spec.scope'));
  else if (!['Namespaced', 'Cluster'].includes(scope)) causes.push(unsupported('spec.scope', scope));
  return [...causes, ...list(spec['versions']).flatMap(versionCauses), ...storageCauses(spec['versions'])];
}

const isProtected = (group: string): boolean => /(^|\.)(k8s|kubernetes)\.io$/.test(group);

const invalid = (field: string, value: unknown, message: string): Cause => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${JSON.stringify(value)}: ${message}`,
});

const unsupported = (field: string, value: string): Cause => ({
  reason: 'FieldValueNotSupported',
  field,
  message: `Unsupported value: ${JSON.stringify(value)}: supported values: "Cluster", "Namespaced"`,
});

function storageCauses(versions: unknown): Cause[] {
  if (storageVersions(versions).length === 1) return [];
  return [
    invalid('spec.versions', list(versions), 'must have exactly one version marked as storage version'),
  ];
}

function versionCauses(version: unknown, position: number): Cause[] {
  const field = `spec.versions[${position}].schema.openAPIV3Schema`;
  const schema = at(version, 'schema', 'openAPIV3Schema');
  if (!isRecord(schema)) return [required(field)];
  return structureCauses(schema, field);
}

/** A structural schema gives a type to each of its fields. */
function structureCauses(schema: unknown, field: string): Cause[] {
  const untyped =
    textAt(schema, 'type') === '' &&
    at(schema, 'x-kubernetes-int-or-string') !== true &&
    at(schema, 'x-kubernetes-preserve-unknown-fields') !== true;
  const items = at(schema, 'items');
  const values = at(schema, 'additionalProperties');
  return [
    ...(untyped ? [required(`${field}.type`)] : []),
    ...Object.entries(recordAt(schema, 'properties')).flatMap(([key, inner]) =>
      structureCauses(inner, `${field}.properties[${key}]`),
    ),
    ...(isRecord(items) ? structureCauses(items, `${field}.items`) : []),
    ...(isRecord(values) ? structureCauses(values, `${field}.additionalProperties`) : []),
  ];
}
