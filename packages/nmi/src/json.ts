export type Members = Readonly<Record<string, unknown>>;

/** The members of a value from outside; none if it is not an object. */
export function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null ? (value as Members) : {};
}

/** The members of a JSON text from outside; none if it is not that of an object. */
export function parseMembers(text: string): Members {
  try {
    return membersOf(JSON.parse(text));
  } catch {
    return {};
  }
}
