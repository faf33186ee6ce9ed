import type { Change } from './stored.ts';

/** What changed in one resource lately. */
export interface ChangeLog {
  push(change: Change): void;
  /** Changes after a version; undefined when some of them are forgotten. */
  since(version: number): readonly Change[] | undefined;
  forget(): void;
}

/** Position of the first change after the version. */
function firstAfter(changes: readonly Change[], version: number): number {
  let low = 0;
  let high = changes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((changes[middle]?.version ?? Infinity) > version) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** @param limit changes that are remembered at least. */
export function createChangeLog(limit: number): ChangeLog {
  let changes: Change[] = [];
  /** The newest version that is forgotten. */
  let forgotten = 0;

  const cut = (count: number): void => {
    forgotten = changes[count - 1]?.version ?? forgotten;
    changes = changes.slice(count);
  };
  return {
    push: (change) => {
      changes.push(change);
      // In big steps: cutting an array for each change would cost more than the change.
      if (changes.length >= limit * 1.25) cut(changes.length - limit);
    },
    since: (version) => (version < forgotten ? undefined : changes.slice(firstAfter(changes, version))),
    forget: () => cut(changes.length),
  };
}
