// Causes by key: what has the same cause is one entry with all its pods.
import type { Cause, State } from './report.ts';

/** A cause, before it is known which pods it concerns. */
export type Found = Omit<Cause, 'pods'>;

export type Causes = ReturnType<typeof createCauses>;

type Problem = Pick<Found, 'key' | 'text'> & Partial<Pick<Found, 'objects' | 'remedy'>>;

const states: readonly State[] = ['problem', 'waiting', 'unknown', 'ok'];

/** `1 problem, 2 ok` */
export const stateCounts = (all: readonly { readonly state: State }[]): string =>
  states
    .map((state) => [all.filter((one) => one.state === state).length, state] as const)
    .flatMap(([number, state]) => (number === 0 ? [] : [`${number} ${state}`]))
    .join(', ');

/** Worst first. */
export const byState = (a: { readonly state: State }, b: { readonly state: State }): number =>
  states.indexOf(a.state) - states.indexOf(b.state);

/** Worst first, then those that concern most pods. */
export const byWeight = (a: Cause, b: Cause): number =>
  byState(a, b) || b.pods.length - a.pods.length || a.text.localeCompare(b.text, 'en');

/** For an administrator of the cluster. */
export const clusterProblem = (found: Problem): Found => ({
  state: 'problem',
  actor: 'cluster administrator',
  objects: [],
  remedy: undefined,
  ...found,
});

/** For whoever may write the object. */
export const editorProblem = (found: Problem): Found => ({
  ...clusterProblem(found),
  actor: 'editor of the namespace',
});

export const unknownCause = (text: string): Found => ({
  ...clusterProblem({ key: text, text }),
  state: 'unknown',
  remedy: {
    text: 'an administrator can allow it: the ClusterRoles view and pod-identity-view have what viewers of a namespace need',
  },
});

export function createCauses() {
  const byKey = new Map<string, { readonly cause: Found; readonly pods: Set<string> }>();
  return {
    get: (key: string): Found | undefined => byKey.get(key)?.cause,
    /** `pod`: one more that it concerns. */
    add(cause: Found, pod?: string): void {
      const entry = byKey.get(cause.key) ?? { cause, pods: new Set<string>() };
      byKey.set(cause.key, entry);
      if (pod !== undefined) entry.pods.add(pod);
    },
    sorted: (): readonly Cause[] =>
      Array.from(byKey.values(), ({ cause, pods }) => ({ ...cause, pods: [...pods].sort() })).sort(byWeight),
  };
}
