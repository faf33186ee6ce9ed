import { lineKey } from './page/apply-changes.ts';
import { worse } from './page/words.ts';
import type { Line, State } from './picture.ts';

/** One line for all that join the same two things, in the state that needs attention most. */
export interface LineSet {
  add(from: string, to: string, state: State): void;
  /** Whether a line begins or ends there. */
  has(id: string): boolean;
  all(): readonly Line[];
  /** What is left out, in words. */
  unknown(): readonly string[];
}

/** A hundred bindings can select each of ten thousand pods. So many lines are neither seen nor sent; those of other namespaces are. */
const mostBetween = 50_000;

/** `pod:shop` of `pod:shop/web-0`. */
const scopeOf = (id: string): string => id.slice(0, id.indexOf('/'));

export function createLineSet(): LineSet {
  const lines = new Map<string, Line>();
  const ends = new Set<string>();
  /** How many lines there are, by what they are between. */
  const counts = new Map<string, number>();
  const crowded = new Set<string>();
  const hasRoom = (from: string, to: string): boolean => {
    const between = `${scopeOf(from)} to ${scopeOf(to)}`;
    const count = (counts.get(between) ?? 0) + 1;
    if (count > mostBetween) crowded.add(between);
    else counts.set(between, count);
    return count <= mostBetween;
  };
  return {
    add(from, to, state) {
      const key = lineKey({ from, to });
      const before = lines.get(key);
      if (before?.state === worse(before?.state ?? 'unused', state)) return;
      // An identity of a line that is left out does not look unused.
      ends.add(from).add(to);
      if (before || hasRoom(from, to)) lines.set(key, { from, to, state });
    },
    has: (id) => ends.has(id),
    all: () => [...lines.values()],
    unknown: () =>
      Array.from(
        crowded,
        (between) => `more than ${mostBetween} lines from ${between}: the others are not shown`,
      ),
  };
}
