import type { Change } from './stored.ts';

/** The recent changes of one resource. */
export interface ChangeLog {
  push(change: Change): void;
  /** Changes after a version; undefined if some of them are no longer kept. */
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

/** @param limit at least so many changes are kept. */
export function createChangeLog(limit: number): ChangeLog {
  let changes: Change[] = [];
  /** The newest version that is no longer kept. */
  let forgotten = 0;

  const cut = (count: number): void => {
    forgotten = changes[count - 1]?.version ?? forgotten;
    changes = changes.slice(count);
  };
  return {
    push: (change) => {
      changes.push(change);
      // In large steps, because cutting an array for each change would be expensive.
      if (changes.length >= limit * 1.25) cut(changes.length - limit);
    },
    since: (version) => (version < forgotten ? undefined : changes.slice(firstAfter(changes, version))),
    forget: () => cut(changes.length),
  };
}
