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
const betweenOf = ({ from, to }: Pick<Line, 'from' | 'to'>): string => `${scopeOf(from)} to ${scopeOf(to)}`;

export function createLineSet(): LineSet {
  /** By where they begin, then by where they end: a key of both would cost most of the time of a picture. */
  const lines = new Map<string, Map<string, Line>>();
  const ends = new Set<string>();
  let size = 0;
  const all = () => Array.from(lines.values(), (some) => [...some.values()]).flat();
  const crowds = createCrowds(all);
  return {
    add(from, to, state) {
      const some = lines.get(from) ?? new Map<string, Line>();
      const before = some.get(to);
      if (before?.state === worse(before?.state ?? 'unused', state)) return;
      // An identity of a line that is left out does not look unused.
      ends.add(to).add(from);
      const line = { from, to, state };
      if (before === undefined) {
        if (size >= mostBetween && crowds.haveNoRoomFor(line)) return;
        size += 1;
      }
      lines.set(from, some.set(to, line));
    },
    has: (id) => ends.has(id),
    all,
    unknown: () =>
      crowds
        .names()
        .map((between) => `more than ${mostBetween} lines from ${between}: the others are not shown`),
  };
}

/** Counts lines by what they are between, once there are so many that some may have to be left out. */
function createCrowds(all: () => readonly Line[]) {
  let counts: Map<string, number> | undefined;
  const crowded = new Set<string>();
  return {
    haveNoRoomFor(line: Line): boolean {
      counts ??= new Map(
        Array.from(Map.groupBy(all(), betweenOf), ([between, some]) => [between, some.length]),
      );
      const between = betweenOf(line);
      const count = (counts.get(between) ?? 0) + 1;
      if (count > mostBetween) crowded.add(between);
      else counts.set(between, count);
      return count > mostBetween;
    },
    names: () => [...crowded],
  };
}
