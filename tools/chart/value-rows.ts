// The rows of the table of values, from the comments in values.yaml.
import { parse } from 'yaml';

export interface ValueRow {
  /** mic.leaderElection.name */
  readonly path: string;
  readonly default: string;
  readonly meaning: string;
  readonly compared: string;
}

const mark = 'Original chart: ';

/** One row for each value with a comment that compares it with the original's chart, in the order of the file. */
export function valueRows(text: string): readonly ValueRow[] {
  const values: unknown = parse(text);
  const rows: (ValueRow | undefined)[] = [];
  let place: readonly Step[] = [];
  let comment: readonly string[] = [];
  for (const line of text.split('\n').map(read)) {
    if (line.kind === 'comment') comment = [...comment, line.text];
    else {
      if (line.kind === 'key') {
        place = [...place.filter(({ indent }) => indent < line.indent), line];
        const path = place.map(({ key }) => key);
        rows.push(rowOf(path, { comment, values }));
      }
      comment = [];
    }
  }
  return rows.filter((row) => row !== undefined);
}

interface Step {
  readonly indent: number;
  readonly key: string;
}
type Line =
  | { readonly kind: 'comment'; readonly text: string }
  | ({ readonly kind: 'key' } & Step)
  | { readonly kind: 'other' };

function read(line: string): Line {
  const comment = /^ *# ?(.*)$/.exec(line)?.[1];
  if (comment !== undefined) return { kind: 'comment', text: comment };
  const [, indent = '', key] = /^( *)(\w+):/.exec(line) ?? [];
  return key === undefined ? { kind: 'other' } : { kind: 'key', indent: indent.length, key };
}

function rowOf(
  path: readonly string[],
  { comment, values }: { readonly comment: readonly string[]; readonly values: unknown },
): ValueRow | undefined {
  const at = comment.findIndex((line) => line.startsWith(mark));
  if (at < 0) return undefined;
  return {
    path: path.join('.'),
    default: JSON.stringify(valueAt(values, path)),
    meaning: comment.slice(0, at).join(' '),
    compared: comment.slice(at).join(' ').slice(mark.length),
  };
}

function valueAt(values: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null ? (at as Readonly<Record<string, unknown>>)[key] : undefined,
    values,
  );
}

/** The values that no row covers, neither by their own path nor by one above it. */
export function valuesWithoutRow(text: string): readonly string[] {
  const known = new Set(valueRows(text).map(({ path }) => path));
  return leavesOf(parse(text), [])
    .filter((path) => !path.some((_, index) => known.has(path.slice(0, index + 1).join('.'))))
    .map((path) => path.join('.'));
}

function leavesOf(value: unknown, path: readonly string[]): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path];
  const entries = Object.entries(value);
  return entries.length === 0 ? [path] : entries.flatMap(([key, each]) => leavesOf(each, [...path, key]));
}
