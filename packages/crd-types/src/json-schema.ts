import { definitionOf } from './definitions.ts';
import { apiVersion, type Kind } from './group.ts';
import type { Schema } from './schema-parts.ts';

/** A JSON Schema of draft 7. Also valid in later drafts. */
export interface JsonSchema {
  $schema?: string;
  title?: string;
  type?: string | string[];
  description?: string;
  default?: unknown;
  const?: string;
  enum?: (string | number | null)[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  items?: JsonSchema;
  minItems?: number;
  maxItems?: number;
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema;
  maxProperties?: number;
  required?: string[];
  oneOf?: JsonSchema[];
}

/**
 * The JSON Schema of a kind, for editors, forms and Ajv (also in strict mode). It accepts what API servers accept with the
 * CustomResourceDefinitions. The parsers are stricter: they require `spec.resourceID` of a managed identity, for example, which the schema
 * cannot, since objects from 2018 have `ResourceID`.
 *
 * @example
 * ```ts
 * console.log(JSON.stringify(jsonSchemaOf('AzureIdentity'))); // { "$schema": …, "title": "AzureIdentity", … }
 * ```
 */
export function jsonSchemaOf(kind: Kind): JsonSchema {
  const { description, properties } = definitionOf(kind);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: kind,
    type: 'object',
    description,
    required: ['metadata'],
    properties: {
      apiVersion: { type: 'string', const: apiVersion },
      kind: { type: 'string', const: kind },
      metadata: metadata(),
      ...inside({ properties }),
    },
  };
}

/** The fields of ObjectMeta that people write; all others are accepted. */
function metadata(): JsonSchema {
  const strings: JsonSchema = { type: ['object', 'null'], additionalProperties: { type: 'string' } };
  return {
    type: 'object',
    required: ['name'],
    properties: {
      name: { type: 'string', minLength: 1 },
      namespace: { type: 'string' },
      labels: strings,
      annotations: strings,
    },
  };
}

/** RFC 3339. Not as `format`, which validators know only with a plug-in, or refuse. */
const time = '^\\d{4}-\\d{2}-\\d{2}[Tt]\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?([Zz]|[+\\-]\\d{2}:\\d{2})$';

/** `parent`: of a schema inside `oneOf`, which has no types of its own in a CustomResourceDefinition. */
function toJsonSchema(schema: Schema, parent: Schema = {}): JsonSchema {
  const { format, nullable, properties, items, additionalProperties, oneOf, ...rest } = schema;
  const plain: JsonSchema = Object.fromEntries(
    Object.entries({ type: parent.type, ...rest }).filter(
      ([keyword, value]) => value !== undefined && !keyword.startsWith('x-kubernetes-'),
    ),
  );
  return {
    ...(nullable === true ? orNull(plain) : plain),
    ...(format === 'date-time' && { pattern: time }),
    ...(items && { items: toJsonSchema(items) }),
    ...(additionalProperties && { additionalProperties: toJsonSchema(additionalProperties) }),
    ...(properties && { properties: inside(schema, parent.properties) }),
    ...(oneOf && { oneOf: oneOf.map((one) => toJsonSchema(one, schema)) }),
  };
}

function orNull(schema: JsonSchema): JsonSchema {
  const { type, enum: values } = schema;
  return {
    ...schema,
    ...(typeof type === 'string' && { type: [type, 'null'] }),
    ...(values && { enum: [...values, null] }),
  };
}

/** API servers drop a null that the schema does not allow, and parsers read it as a missing field. */
function inside({ properties = {}, required = [] }: Schema, parents: Record<string, Schema> = {}) {
  const entries = Object.entries(properties).map(
    ([key, schema]) =>
      [key, toJsonSchema({ ...schema, nullable: !required.includes(key) }, parents[key])] as const,
  );
  return Object.fromEntries(entries);
}
