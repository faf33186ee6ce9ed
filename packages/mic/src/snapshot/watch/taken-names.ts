import type { Informer } from '@pod-identity/kit/kube';
import type { AssignedView } from '../views.ts';
import { namespaceOf } from '../keys.ts';

/**
 * Names under which MIC could not create a record because there is one that is left out, its namespace being over its share.
 * MIC has to see it, to remove it or to choose another name: it is kept with the next list.
 */
export interface TakenNames {
  /** `namespace/name`. */
  add(key: string): void;
  has(key: string): boolean;
}

/** Each is found again with the next attempt to create its record. */
const mostNames = 1_000;

export function createTakenNames(records: () => Informer<AssignedView>): TakenNames {
  const names = new Set<string>();
  return {
    add(key) {
      if (!records().leavesOut(namespaceOf(key))) return;
      if (names.size >= mostNames) names.clear();
      names.add(key);
      records().askForList();
    },
    has: (key) => names.has(key),
  };
}
