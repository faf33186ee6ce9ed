import type { Informer } from '@pod-identity/kit/kube';
import type { AssignedView } from '../views.ts';
import { namespaceOf } from '../keys.ts';

/**
 * Names under which MIC could not create a record because of one that is left out, since its namespace is over its share. MIC must see
 * that record to remove it or to choose another name, so the next list keeps it.
 */
export interface TakenNames {
  /** `namespace/name`. */
  add(key: string): void;
  has(key: string): boolean;
}

/** At the limit all names are removed; each is found again at the next attempt to create its record. */
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
