export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether its fields can be read. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null;
}
