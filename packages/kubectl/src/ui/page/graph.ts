import type { Line } from '../picture.ts';

/** Who leads to whom, in both directions. */
export interface Graph {
  readonly after: ReadonlyMap<string, readonly string[]>;
  readonly before: ReadonlyMap<string, readonly string[]>;
}

export function graphOf(lines: readonly Pick<Line, 'from' | 'to'>[]): Graph {
  const after = new Map<string, string[]>();
  const before = new Map<string, string[]>();
  for (const { from, to } of lines) {
    add(after, from, to);
    add(before, to, from);
  }
  return { after, before };
}

function add(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** The things themselves, all that lead to one of them, and all to which one of them leads: no neighbours beside the way. */
export function wayOf({ after, before }: Graph, ids: Iterable<string>): ReadonlySet<string> {
  const seeds = [...ids];
  return new Set([...reached(before, seeds), ...reached(after, seeds)]);
}

/** The ids and all that follow from them in one direction. */
export function reached(
  next: ReadonlyMap<string, readonly string[]>,
  ids: Iterable<string>,
): ReadonlySet<string> {
  const found = new Set(ids);
  // A set's iterator also yields what is added meanwhile.
  for (const id of found) for (const other of next.get(id) ?? []) found.add(other);
  return found;
}
