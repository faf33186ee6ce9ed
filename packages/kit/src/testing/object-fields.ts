// Objects of the API server with one field as large as it is read, or larger.
import type { Fields } from '../kube/fields.ts';

export interface ObjectField {
  readonly kind: string;
  readonly path: readonly string[];
  /** In bytes of JSON. */
  readonly upTo: number;
}

/** All fields that are read of a kind. */
export function objectFields(
  kind: string,
  fields: Fields,
  path: readonly string[] = [],
): readonly ObjectField[] {
  if ('upTo' in fields) return [{ kind, path, upTo: fields.upTo }];
  return Object.entries(fields.members).flatMap(([name, inner]) =>
    objectFields(kind, inner, [...path, name]),
  );
}

/** The object with the field at so many bytes of JSON, in the shape that the API server wants; a string by default. */
export function withField(object: object, { path }: ObjectField, bytes: number): object {
  const shape = shapes[path.at(-1) ?? ''] ?? ((length: number) => text(length - '""'.length));
  return put(object, path, shape(bytes));
}

function put(object: object, [name = '', ...rest]: readonly string[], value: unknown): object {
  const inner = (object as Readonly<Record<string, unknown>>)[name] ?? {};
  return { ...object, [name]: rest.length === 0 ? value : put(inner, rest, value) };
}

const text = (length: number) => 'x'.repeat(length);
const inObject = (key: string, length: number) => ({
  [key]: text(length - JSON.stringify({ [key]: '' }).length),
});
const inList = (length: number) => [text(length - '[""]'.length)];
const objects = (length: number) => [inObject('type', length - '[]'.length)];
const shapes: Readonly<Record<string, (bytes: number) => unknown>> = {
  podSelector: (bytes) => ({ matchLabels: inObject('k', bytes - '{"matchLabels":}'.length) }),
  allowedNamespaces: (bytes) => ({ names: inList(bytes - '{"names":}'.length) }),
  podLabels: (bytes) => inObject('k', bytes),
  labels: (bytes) => inObject('k', bytes),
  auxiliaryTenantIDs: inList,
  clientIDs: inList,
  finalizers: inList,
  ownerReferences: inList,
  podIPs: objects,
  conditions: objects,
  initContainerStatuses: objects,
  containerStatuses: objects,
  ephemeralContainerStatuses: objects,
  taints: objects,
};
