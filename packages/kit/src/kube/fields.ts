/**
 * The parts of a JSON value to keep. Everything else is skipped as it arrives and never held in memory.
 *
 * `upTo`: the value, if it has at most so many bytes of JSON; a larger one is left out and reported. `members`: an object with these
 * members only, each trimmed in turn. `anyCase`: names are compared without the case of A to Z. `isMisspelt`: further names to keep, at most
 * eight of an object, with null in place of their value; an object with more unknown names than are looked at is reported like a field that
 * is too large.
 */
export type Fields =
  | { readonly upTo: number }
  | {
      readonly members: Readonly<Record<string, Fields>>;
      readonly anyCase?: boolean;
      readonly isMisspelt?: (name: string) => boolean;
    };

/** All of an object: more than the API server accepts. For lists of what only administrators write; of other objects, for one at a time. */
export const wholeObject: Fields = { upTo: 4 * 1024 * 1024 };

/** A field that was left out because it exceeds its limit. */
export interface TooLarge {
  /** For example `spec.clientID`. */
  readonly path: string;
  /** In bytes of JSON; with `unknownNames` in names. */
  readonly upTo: number;
  /** The object was read, except for unknown names: a misspelt one may be among them. */
  readonly unknownNames?: true;
}

const leftOut = new WeakMap<object, readonly TooLarge[]>();
const nothing: readonly TooLarge[] = [];

/** The fields left out of an object that was read with `fields`; empty for other objects. */
export function tooLargeIn(object: unknown): readonly TooLarge[] {
  return typeof object === 'object' && object !== null ? (leftOut.get(object) ?? nothing) : nothing;
}

export function rememberTooLarge(object: unknown, fields: readonly TooLarge[]): void {
  if (typeof object === 'object' && object !== null && fields.length > 0) leftOut.set(object, fields);
}
