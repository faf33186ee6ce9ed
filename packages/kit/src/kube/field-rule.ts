import { lowerAscii } from '../core/lower-ascii.ts';
import type { Fields } from './fields.ts';

/** How to read one place of a JSON document. */
export interface FieldRule {
  /** Limit in bytes of a value that is not read member by member. */
  readonly upTo: number;
  readonly members?: Members | undefined;
  readonly isMisspelt?: ((name: string) => boolean) | undefined;
  /** A list whose items are passed on one by one. */
  readonly items?: FieldRule | undefined;
  /** How to read the value, if that depends on the members before it: on the text of the object so far. */
  readonly after?: ((text: string) => FieldRule) | undefined;
}

/** The members to read of an object. Their names are in ASCII. */
interface Members {
  get(name: string): FieldRule | undefined;
  /** The same for a name that is written without escape sequences, without making a text of it: an object can have 100,000 others. */
  has(bytes: Buffer, start: number, end: number): boolean;
}

/** Limit of a value of a wrong type in the place of an object; kept so that a parser can report its type. */
const misfitBytes = 256;

/** Made once for all responses. */
const made = new WeakMap<Fields, FieldRule>();

export function fieldRuleOf(fields: Fields): FieldRule {
  if ('upTo' in fields) return fields;
  const known = made.get(fields);
  if (known) return known;
  const { members, isMisspelt, ...how } = fields;
  const rules = Object.entries(members).map(([name, inner]) => [name, fieldRuleOf(inner)] as const);
  const rule = { upTo: misfitBytes, members: membersOf(rules, how), isMisspelt };
  made.set(fields, rule);
  return rule;
}

export function membersOf(all: Iterable<readonly [string, FieldRule]>, { anyCase = false } = {}): Members {
  const folded = anyCase ? lowerAscii : (name: string) => name;
  const rules = new Map([...all].map(([name, rule]) => [folded(name), rule]));
  const byLength = Map.groupBy(rules.keys(), ({ length }) => length);
  return {
    get: (name) => rules.get(folded(name)),
    has: (bytes, start, end) =>
      byLength.get(end - start)?.some((name) => isWritten(name, { bytes, start, anyCase })) ?? false,
  };
}

interface Written {
  readonly bytes: Buffer;
  readonly start: number;
  readonly anyCase: boolean;
}

/** @param name In lower case, if the case does not matter. */
function isWritten(name: string, { bytes, start, anyCase }: Written): boolean {
  for (let at = 0; at < name.length; at += 1) {
    const byte = bytes[start + at] ?? 0;
    if ((anyCase ? lower(byte) : byte) !== name.charCodeAt(at)) return false;
  }
  return true;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
