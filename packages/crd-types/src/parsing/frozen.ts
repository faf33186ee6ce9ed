/** The value itself, frozen at every depth: many modules read it, and callers get it too. */
export function frozen<const T extends object>(value: T): T {
  for (const inner of Object.values(value) as unknown[])
    if ((typeof inner === 'object' && inner !== null) || typeof inner === 'function') frozen(inner);
  return Object.freeze(value);
}
