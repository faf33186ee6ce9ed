import { isRecord, type Json } from './object.ts';

/** A structural schema, as CustomResourceDefinitions hold it; no CEL rules. */
export interface Schema {
  readonly type?: string;
  readonly format?: string;
  readonly nullable?: boolean;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly not?: Schema;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
}

/** Fields that every object may have, also without its schema. */
const ofEveryObject = ['apiVersion', 'kind', 'metadata'];

interface Pruned {
  readonly value: unknown;
  /** Paths of fields that were dropped. */
  readonly dropped: readonly string[];
}

/**
 * Drops unknown fields and sets defaults.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#field-pruning
 */
export function prune(schema: Schema, value: unknown): Pruned {
  const dropped: string[] = [];
  const kept = pruneValue({ ...schema, 'x-kubernetes-embedded-resource': true }, value, {
    path: '',
    dropped,
  });
  return { value: kept, dropped };
}

interface Walk {
  readonly path: string;
  readonly dropped: string[];
}

const below = (walk: Walk, key: string): Walk => ({
  ...walk,
  path: walk.path === '' ? key : `${walk.path}.${key}`,
});

function pruneValue(schema: Schema, value: unknown, walk: Walk): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items
      ? value.map((item, i) => pruneValue(items, item, { ...walk, path: `${walk.path}[${i}]` }))
      : value;
  }
  return isRecord(value) ? pruneRecord(schema, value, walk) : value;
}

function pruneRecord(schema: Schema, record: Json, walk: Walk): Json {
  const kept: Json = {};
  for (const [key, value] of Object.entries(record)) {
    const known = schemaOf(schema, key);
    if (known === 'as it is') kept[key] = value;
    else if (known === 'unknown') walk.dropped.push(below(walk, key).path);
    // null for a field that is not nullable means the default.
    else if (value !== null || known.nullable || known.default === undefined) {
      kept[key] = pruneValue(known, value, below(walk, key));
    }
  }
  fillDefaults(schema, kept);
  return kept;
}

function schemaOf(schema: Schema, key: string): Schema | 'as it is' | 'unknown' {
  if (schema['x-kubernetes-embedded-resource'] && ofEveryObject.includes(key)) return 'as it is';
  const known = schema.properties?.[key];
  if (known) return known;
  const { additionalProperties } = schema;
  if (additionalProperties !== undefined && additionalProperties !== false) {
    return additionalProperties === true ? 'as it is' : additionalProperties;
  }
  return schema['x-kubernetes-preserve-unknown-fields'] ? 'as it is' : 'unknown';
}

function fillDefaults(schema: Schema, record: Json): void {
  for (const [key, { default: filled }] of Object.entries(schema.properties ?? {})) {
    if (filled !== undefined && !(key in record)) record[key] = structuredClone(filled);
  }
}
