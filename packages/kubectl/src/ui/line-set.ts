import { lineKey } from './page/apply-changes.ts';
import { worse } from './page/words.ts';
import type { Line, State } from './picture.ts';

/** One line for all that join the same two things, in the state that needs attention most. */
export interface LineSet {
  add(from: string, to: string, state: State): void;
  /** Whether a line begins or ends there. */
  has(id: string): boolean;
  all(): readonly Line[];
}

export function createLineSet(): LineSet {
  const lines = new Map<string, Line>();
  const ends = new Set<string>();
  return {
    add(from, to, state) {
      const key = lineKey({ from, to });
      const before = lines.get(key);
      if (before?.state === worse(before?.state ?? 'unused', state)) return;
      lines.set(key, { from, to, state });
      ends.add(from).add(to);
    },
    has: (id) => ends.has(id),
    all: () => [...lines.values()],
  };
}
