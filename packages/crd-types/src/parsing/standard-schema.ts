import { attempt } from './attempt.ts';
import type { Parsed } from './problem.ts';
import { isJsonObject } from './section.ts';

// The interfaces are those of Standard Schema 1 (https://standardschema.dev), which asks libraries to copy them.

/** A schema that form libraries, routers and validators of any vendor take. */
export interface StandardSchema<Output> {
  /** What consumers of any vendor read; the tilde puts it last in completions. */
  readonly '~standard': {
    /** Of the specification. */
    readonly version: 1;
    /** The npm name of this package. */
    readonly vendor: string;
    /** Parses any value. Synchronous, and never throws. */
    readonly validate: (value: unknown) => StandardResult<Output>;
    /** For TypeScript only: never set. */
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** What `validate` returns: the value, or at least one issue. `issues` is undefined exactly if the value is valid. */
export type StandardResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly StandardIssue[] };

/** A problem, in the shape of Standard Schema. */
export interface StandardIssue {
  /** The problem and the remedy, without the path. */
  readonly message: string;
  /** Keys and indexes, outermost first, as the value has them (`ResourceID`). Empty for the whole value. */
  readonly path: readonly (string | number)[];
}

/** A function that parses untrusted values, and is a Standard Schema too (whose results are without warnings). */
export interface Parser<T> extends StandardSchema<T> {
  /** Parses any value, such as the result of `JSON.parse`. Never throws, and does not change the value. */
  (object: unknown): Parsed<T>;
}

/** The place in a value that the path of a problem means. */
type PathReader = (value: unknown) => (path: string) => readonly (string | number)[];

/** A parser that is a Standard Schema. */
export function withStandard<T>(parse: (object: unknown) => Parsed<T>, pathsIn: PathReader): Parser<T> {
  const validate = (value: unknown): StandardResult<T> => {
    const parsed = parse(value);
    if (parsed.ok) return { value: parsed.value };
    const segmentsAt = pathsIn(value);
    return { issues: parsed.problems.map(({ path, message }) => ({ message, path: segmentsAt(path) })) };
  };
  const standard = Object.freeze({ version: 1, vendor: '@pod-identity/crd-types', validate } as const);
  return Object.freeze(Object.assign((object: unknown) => parse(object), { '~standard': standard }));
}

/** The keys and indexes of a path such as `spec.items[0].key`. Keys may contain dots: those that the value has are found in it. */
export function segmentsOf(path: string, value: unknown): (string | number)[] {
  return attempt(
    () => segmentsIn(path, value),
    () => [path],
  );
}

function segmentsIn(path: string, value: unknown): (string | number)[] {
  const segments: (string | number)[] = [];
  let inner = value;
  for (let rest = path; rest !== '';) {
    const index = /^\[(\d+)\]/.exec(rest);
    const segment = index?.[1] === undefined ? keyAt(rest, inner) : Number(index[1]);
    segments.push(segment);
    rest = rest.slice(index?.[0].length ?? String(segment).length).replace(/^\./, '');
    inner =
      typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[segment] : undefined;
  }
  return segments;
}

/** Deeper keys of labels and of fields have fewer dots and brackets. */
const mostEnds = 32;

/**
 * The longest of its keys that the path begins with. Looks for the few keys that the path can mean: the value can have a hundred thousand.
 */
function keyAt(rest: string, value: unknown): string {
  const ends = isJsonObject(value) ? endsIn(rest) : [];
  const longest = ends.find((end) => Object.hasOwn(value as object, rest.slice(0, end)));
  return longest === undefined ? (/^.[^.[]*/su.exec(rest)?.[0] ?? rest) : rest.slice(0, longest);
}

/** Where a key at the beginning of the path can end, the last first. */
function endsIn(rest: string): readonly number[] {
  const ends: number[] = [];
  for (const { index } of rest.matchAll(/[.[]/g)) {
    if (index > 0) ends.push(index);
    if (ends.length === mostEnds) break;
  }
  return [rest.length, ...ends.reverse()];
}
