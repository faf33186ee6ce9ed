/**
 * What to keep of a JSON value. Everything else is passed over while it arrives and is never held in memory.
 *
 * `upTo`: the value unchanged, of at most so many bytes of JSON; a larger one is left out and reported.
 * `members`: an object with these members only, each trimmed in turn. `anyCase`: their names, which are ASCII, are
 * compared without case.
 */
export type Fields =
  | { readonly upTo: number }
  | { readonly members: Readonly<Record<string, Fields>>; readonly anyCase?: boolean };

/** A field that was left out because it is larger than what is kept of it. */
export interface TooLarge {
  /** Such as `spec.clientID`. */
  readonly path: string;
  /** The most bytes of JSON that are kept. */
  readonly upTo: number;
}

const leftOut = new WeakMap<object, readonly TooLarge[]>();
const nothing: readonly TooLarge[] = [];

/** What was left out of an object that a transport read with `fields`; empty for any other object. */
export function tooLargeIn(object: unknown): readonly TooLarge[] {
  return typeof object === 'object' && object !== null ? (leftOut.get(object) ?? nothing) : nothing;
}

export function rememberTooLarge(object: unknown, fields: readonly TooLarge[]): void {
  if (typeof object === 'object' && object !== null && fields.length > 0) leftOut.set(object, fields);
}
