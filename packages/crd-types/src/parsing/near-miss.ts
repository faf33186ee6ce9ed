const mostLetters = 2;
/** Longer than every field, with hyphens between its words. */
const longestKey = 24;

/**
 * The name, of these in lower case, that a key probably means: without case, hyphens and underscores they differ in one place alone, where at
 * most two letters are missing, added or different. `podSelectors`, `podselctor` and `pod_selector` are probably `podselector`. Takes
 * little more time than to read the key, since the author of an object can give it a hundred thousand keys.
 */
export function nearMiss(key: string, names: Iterable<string>): string | undefined {
  if (key.length > longestKey) return undefined;
  const letters = key.toLowerCase().replaceAll(/[-_]/g, '');
  for (const name of names) if (differAtOneSpot(letters, name)) return name;
  return undefined;
}

function differAtOneSpot(a: string, b: string): boolean {
  const [shorter, longer] = a.length < b.length ? [a, b] : [b, a];
  const most = shorter.length;
  const further = longer.length - most;
  if (further > mostLetters) return false;
  let start = 0;
  while (start < most && shorter.charCodeAt(start) === longer.charCodeAt(start)) start += 1;
  let end = most;
  while (end > start && shorter.charCodeAt(end - 1) === longer.charCodeAt(end - 1 + further)) end -= 1;
  return end - start + further <= mostLetters;
}
