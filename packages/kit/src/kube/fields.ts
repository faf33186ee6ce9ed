import { lowerAscii } from '../core/lower-ascii.ts';

/**
 * The parts of a JSON value to keep. Everything else is dropped once the object is parsed, before the next one is.
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

/** Of one object, whose author can write any number: mostly one is enough to refuse it. */
const mostMisspelt = 8;
/** Names of one object that are compared with the wanted ones to find misspelt ones, which takes a microsecond each. */
const mostCompared = 1_000;
/** Limit of a value of a wrong type in the place of an object; kept so that a parser can report its type. */
const misfitBytes = 256;

/** The fields to keep of a parsed value. `tooLargeIn` tells of it what was left out. */
export function pick(value: unknown, fields: Fields): unknown {
  if ('upTo' in fields) return value;
  const tooLarge: TooLarge[] = [];
  const picked = pickAt(value, fields, { path: '', tooLarge });
  if (typeof picked === 'object' && picked !== null && tooLarge.length > 0) leftOut.set(picked, tooLarge);
  return picked;
}

interface Picking {
  readonly path: string;
  readonly tooLarge: TooLarge[];
}

function pickAt(value: unknown, fields: Fields, { path, tooLarge }: Picking): unknown {
  if ('members' in fields && typeof value === 'object' && value !== null && !Array.isArray(value))
    return pickMembers(value, fields, { path, tooLarge });
  const upTo = 'upTo' in fields ? fields.upTo : misfitBytes;
  if (fits(value, upTo)) return value;
  tooLarge.push({ path, upTo });
  return undefined;
}

type Members = Extract<Fields, { readonly members: unknown }>;

function pickMembers(object: object, fields: Members, { path, tooLarge }: Picking): object {
  const wanted = wantedOf(fields);
  const looked = createLook(fields);
  const picked: [string, unknown][] = [];
  for (const [name, member] of Object.entries(object)) {
    const inner = wanted.get(fields.anyCase ? lowerAscii(name) : name);
    if (inner === undefined) {
      if (looked.isMisspelt(name)) picked.push([name, null]);
      continue;
    }
    const kept = pickAt(member, inner, { path: path === '' ? name : `${path}.${name}`, tooLarge });
    if (kept !== undefined) picked.push([name, kept]);
  }
  const upTo = looked.tooMany();
  if (upTo !== undefined) tooLarge.push({ path, upTo, unknownNames: true });
  // Unlike an assignment, this makes `__proto__` a name like any other.
  return Object.fromEntries(picked);
}

/** Looks at the unknown names of one object until there are too many. */
function createLook({ isMisspelt }: Members) {
  let [misspelt, compared, isCrowded] = [0, 0, false];
  return {
    isMisspelt(name: string): boolean {
      if (isMisspelt === undefined) return false;
      isCrowded = misspelt >= mostMisspelt || compared >= mostCompared;
      if (isCrowded) return false;
      compared += 1;
      if (!isMisspelt(name)) return false;
      misspelt += 1;
      return true;
    },
    tooMany: () => (isCrowded ? (misspelt < mostMisspelt ? mostCompared : mostMisspelt) : undefined),
  };
}

/** Made once for all responses. */
const made = new WeakMap<Members, ReadonlyMap<string, Fields>>();

function wantedOf(fields: Members): ReadonlyMap<string, Fields> {
  const known = made.get(fields);
  if (known) return known;
  const names = Object.entries(fields.members);
  const wanted = new Map(names.map(([name, inner]) => [fields.anyCase ? lowerAscii(name) : name, inner]));
  made.set(fields, wanted);
  return wanted;
}

/** Whether the value has at most so many bytes of JSON. One that is nested too deeply to be written has more. */
function fits(value: unknown, upTo: number): boolean {
  // A character is at most a surrogate escape of six bytes: most values need not be written.
  if (typeof value === 'string' && 6 * value.length + 2 <= upTo) return true;
  try {
    return Buffer.byteLength(JSON.stringify(value)) <= upTo;
  } catch {
    return false;
  }
}
