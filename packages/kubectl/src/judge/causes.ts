// Causes by key: what has the same cause is one entry with all its pods.
import type { Cause } from './report.ts';

/** A cause, or the key of one that is there already. */
export type Found = Omit<Cause, 'pods'> | { readonly join: string };

export interface Causes {
  has(key: string): boolean;
  /** `pod`: one more that it concerns. */
  add(found: Found, pod?: string): Pick<Cause, 'state' | 'text'>;
  /** Worst first, then those that concern most pods. */
  sorted(): readonly Cause[];
}

const states: readonly Cause['state'][] = ['problem', 'waiting', 'unknown'];

/** Should a cause be joined before it is there, it is said in these words. */
const missing = (key: string): Omit<Cause, 'pods'> => ({
  key,
  state: 'problem',
  text: key,
  actor: 'cluster administrator',
  objects: [],
  remedy: undefined,
});

export function createCauses(): Causes {
  const byKey = new Map<string, { readonly cause: Omit<Cause, 'pods'>; readonly pods: Set<string> }>();
  return {
    has: (key) => byKey.has(key),
    add(found, pod) {
      const key = 'join' in found ? found.join : found.key;
      const entry = byKey.get(key) ?? {
        cause: 'join' in found ? missing(key) : found,
        pods: new Set<string>(),
      };
      byKey.set(key, entry);
      if (pod !== undefined) entry.pods.add(pod);
      return entry.cause;
    },
    sorted: () =>
      Array.from(byKey.values(), ({ cause, pods }) => ({ ...cause, pods: [...pods].sort() })).sort(
        (a, b) =>
          states.indexOf(a.state) - states.indexOf(b.state) ||
          b.pods.length - a.pods.length ||
          a.text.localeCompare(b.text, 'en'),
      ),
  };
}
