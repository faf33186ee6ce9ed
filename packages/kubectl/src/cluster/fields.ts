// Fields of objects as the API server sends them: untrusted JSON, in Kubernetes' own shape. Paths have dots, and no names that have dots.

type Members = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function fieldAt(object: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, key) => (isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined),
      object,
    );
}

/** '' if it is no text. */
export function textAt(object: unknown, path: string): string {
  const value = fieldAt(object, path);
  return typeof value === 'string' ? value : '';
}

export function numberAt(object: unknown, path: string, absent = 0): number {
  const value = fieldAt(object, path);
  return typeof value === 'number' ? value : absent;
}

/** Empty if it is no list. */
export function listAt(object: unknown, path: string): readonly unknown[] {
  const value = fieldAt(object, path);
  return Array.isArray(value) ? (value as unknown[]) : [];
}

/** The texts of a list. */
export const textsAt = (object: unknown, path: string): readonly string[] =>
  listAt(object, path).filter((item) => typeof item === 'string');

/** Labels and the like: those that are texts. */
export function mapAt(object: unknown, path: string): Readonly<Record<string, string>> {
  const value = fieldAt(object, path);
  const entries = Object.entries(isObject(value) ? value : {});
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

export const nameOf = (object: unknown): ObjectName => ({
  namespace: textAt(object, 'metadata.namespace'),
  name: textAt(object, 'metadata.name'),
});

/** `namespace/name` */
export const keyOf = ({
  namespace = '',
  name,
}: {
  readonly namespace?: string | undefined;
  readonly name: string;
}): string => `${namespace}/${name}`;

/** Undefined if the object has none of this type. */
export const conditionOf = (object: unknown, type: string): unknown =>
  listAt(object, 'status.conditions').find((condition) => textAt(condition, 'type') === type);
