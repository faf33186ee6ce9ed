import { coreKinds, createInformer, type KubeAmbient } from '@pod-identity/kit/kube';
import { readEntries, rosterName, type RosterEntry } from '../../broker/roster/entry.ts';

/** The broker puts a wiped entry back in seconds. */
const wipedMs = 60_000;
/** For the first list: at the start of NMI it takes less, and without the right to read it never comes. */
const unreadMs = 2_000;
/**
 * Watches the broker's ConfigMap. What is known stays valid while the API server is away, and for a while after all entries are gone at
 * once: then the ConfigMap was applied again, or was created again. A single entry that goes is not dialled from then on.
 */
export function watchReplicas({ namespace, ...common }: KubeAmbient & { readonly namespace: string }) {
  const { clock } = common;
  const informer = createInformer<readonly RosterEntry[]>({
    ...common,
    kind: coreKinds.configMaps,
    namespace,
    fieldSelector: `metadata.name=${rosterName}`,
    isPerNode: true,
    trim: (object) => [...readEntries((object as { readonly data?: unknown }).data).values()],
  });
  let known: readonly RosterEntry[] = [];
  let knownUntil = Infinity;
  informer.onChange((change) => {
    const entries = change.type === 'deleted' ? [] : change.after;
    if (entries.length > 0) {
      known = entries;
      knownUntil = Infinity;
    } else knownUntil = Math.min(knownUntil, clock.elapsed() + wipedMs);
  });
  return {
    informer,
    /** Those that may be dialled now. Waits for the first reading of the ConfigMap, but not long. */
    all: async (): Promise<readonly RosterEntry[]> => {
      if (!informer.hasSynced()) await Promise.race([informer.synced, clock.sleep(unreadMs)]);
      return clock.elapsed() < knownUntil ? known : [];
    },
  };
}
