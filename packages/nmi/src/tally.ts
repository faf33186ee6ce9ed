/** Counts that are handed over in one go: counting must cost next to nothing on the way of a request. */
export interface Tally<Name extends string> {
  count(name: Name): void;
  /** What was counted since the last time. */
  drain(take: (name: Name, count: number) => void): void;
}

export function createTally<Name extends string>(): Tally<Name> {
  const counts = new Map<Name, number>();
  return {
    count: (name) => void counts.set(name, (counts.get(name) ?? 0) + 1),
    drain(take) {
      for (const [name, count] of counts) take(name, count);
      counts.clear();
    },
  };
}
