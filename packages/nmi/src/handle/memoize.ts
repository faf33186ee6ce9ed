import { RecentMap } from '@pod-identity/kit/core';

/** Caches the latest results of a pure function. Bounded, since callers choose the texts. */
export function memoize<V>(compute: (text: string) => V, kept: number): (text: string) => V {
  const memory = new RecentMap<string, V>(kept);
  return (text) => {
    const known = memory.get(text);
    if (known !== undefined) return known;
    const value = compute(text);
    memory.set(text, value);
    return value;
  };
}
