import { RecentMap } from '@pod-identity/kit/core';

/** The function with a memory for its latest results. For pure functions of texts that repeat; callers choose the texts. */
export function remember<V>(compute: (text: string) => V, kept: number): (text: string) => V {
  const memory = new RecentMap<string, V>(kept);
  return (text) => {
    const known = memory.get(text);
    if (known !== undefined) return known;
    const value = compute(text);
    memory.set(text, value);
    return value;
  };
}
