import type { Schema } from './schema-parts.ts';

/**
 * A copy of the schema that @kubernetes/client-node sends whole: it reads `enum`, `default` and `x-kubernetes-…` under names of its own
 * (`_enum`, `x_kubernetes_…`) and drops properties that it does not know. The further names are not enumerable, so that JSON and YAML are
 * without them.
 */
export function withClientNames(schema: Schema): Schema {
  const { properties, items, additionalProperties, oneOf } = schema;
  const copy: Schema = {
    ...schema,
    ...(properties && { properties: mapValues(properties) }),
    ...(items && { items: withClientNames(items) }),
    ...(additionalProperties && { additionalProperties: withClientNames(additionalProperties) }),
    ...(oneOf && { oneOf: oneOf.map(withClientNames) }),
  };
  for (const keyword of Object.keys(schema) as (keyof Schema)[]) {
    const name = clientName(keyword);
    // Callers may change the definition.
    if (name !== keyword) Object.defineProperty(copy, name, { get: () => copy[keyword] });
  }
  return copy;
}

function mapValues(schemas: Record<string, Schema>): Record<string, Schema> {
  return Object.fromEntries(Object.entries(schemas).map(([key, schema]) => [key, withClientNames(schema)]));
}

function clientName(keyword: string): string {
  if (keyword === 'enum' || keyword === 'default') return `_${keyword}`;
  return keyword.startsWith('x-kubernetes-') ? keyword.replaceAll('-', '_') : keyword;
}
