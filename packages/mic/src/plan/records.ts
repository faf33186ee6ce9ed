// AzureAssignedIdentities as MIC knows them, by their names and by their pods. Those of a pod can outlive it.
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import { Grouped } from '../snapshot/index/grouped.ts';
import { podOf } from '../snapshot/keys.ts';
import type { AssignedView, PodKey } from '../snapshot/views.ts';

/** What a plan compares. */
export interface Known {
  readonly index: ClusterIndex;
  readonly records: Pick<Records, 'at' | 'of'>;
}

export class Records {
  readonly #byKey = new Map<string, AssignedView>();
  readonly #byPod = new Grouped<PodKey, AssignedView>();

  /** By `namespace/name`. */
  at(key: string): AssignedView | undefined {
    return this.#byKey.get(key);
  }

  of(pod: PodKey): readonly AssignedView[] {
    return [...this.#byPod.of(pod)];
  }

  keys(): readonly string[] {
    return [...this.#byKey.keys()];
  }

  /** Returns what was there before. */
  set(key: string, view: AssignedView | undefined): AssignedView | undefined {
    const before = this.#byKey.get(key);
    if (before) this.#byPod.remove(podOf(before), before);
    if (view) this.#byPod.add(podOf(view), view);
    if (view) this.#byKey.set(key, view);
    else this.#byKey.delete(key);
    return before;
  }
}

/** Whether it says that its pod still waits: Created, or the original's Unassigned. Only MIC can change its state. */
export function saysWaiting({ state }: AssignedView): boolean {
  return state === 'Created' || state === 'Unassigned';
}
