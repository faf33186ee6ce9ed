import { definitionOf } from './definitions.ts';
import { apiVersion, type Kind } from '../parsing/group.ts';
import type { Schema } from './schema-parts.ts';
import { timePattern } from '../parsing/time.ts';

/** A JSON Schema of draft 7. Also valid in later drafts. */
export interface JsonSchema {
  /** Draft 7, by its address. Of the outermost schema alone. */
  $schema?: string;
  /** The kind. Of the outermost schema alone. */
  title?: string;
  /** A type, or a list of a type and `null` where null is read as a missing field. */
  type?: string | string[];
  /** A sentence for people: what the field means. The same text as in the CustomResourceDefinition. */
  description?: string;
  /** The value that a missing field is read as. */
  default?: unknown;
  /** The only value: of `apiVersion` and `kind`. */
  const?: string;
  /** All allowed values, with null where it is read as a missing field. */
  enum?: (string | number | null)[];
  /** A regular expression of JavaScript, which some part of the string must match (anchored where the whole must). */
  pattern?: string;
  /** Characters, at least. */
  minLength?: number;
  /** Characters, at most. */
  maxLength?: number;
  /** Of each item of a list. */
  items?: JsonSchema;
  /** Items of a list, at least. */
  minItems?: number;
  /** Items of a list, at most. */
  maxItems?: number;
  /** Of known keys. Other keys are accepted. */
  properties?: Record<string, JsonSchema>;
  /** Of each value of a map, such as labels. */
  additionalProperties?: JsonSchema;
  /** Keys of a map, at most. */
  maxProperties?: number;
  /** Keys that an object must have. */
  required?: string[];
  /** Exactly one of these must be valid, besides everything else. */
  oneOf?: JsonSchema[];
}

/**
 * The JSON Schema of a kind, for editors, forms and Ajv (also in strict mode). It accepts what API servers accept with the
 * CustomResourceDefinitions. The parsers are stricter: they require `spec.resourceID` of a managed identity, for example, which the schema
 * cannot, since objects from 2018 have `ResourceID`. A fresh object for each call, which the caller may change.
 *
 * @example
 * ```ts
 * console.log(jsonSchemaOf('AzureIdentity')); // { '$schema': …, title: 'AzureIdentity', … }
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
  const strings = (): JsonSchema => ({
    type: ['object', 'null'],
    additionalProperties: { type: 'string' },
  });
  return {
    type: 'object',
    required: ['name'],
    properties: {
      name: { type: 'string', minLength: 1 },
      namespace: { type: 'string' },
      labels: strings(),
      annotations: strings(),
    },
  };
}

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
    // Validators know `format` only with a plug-in, or refuse it.
    ...(format === 'date-time' && { pattern: timePattern }),
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
