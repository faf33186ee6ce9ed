// The steps before the first decision of a term: records are read, watches synced.
import { aborted, createBackoff } from '@pod-identity/kit/core';
import { KubeError, type LeaderTerm } from '@pod-identity/kit/kube';
import type { Ambient } from '@pod-identity/kit/serve';
import type { Ledger } from '../apply/ledger.ts';
import type { HostMemory } from '../apply/memory.ts';
import { factsFromRecord } from '../snapshot/facts/host-facts.ts';
import type { ClusterWatch } from '../snapshot/watch/cluster-watch.ts';

export interface OpeningOptions extends Ambient {
  readonly term: LeaderTerm;
  readonly view: Pick<ClusterWatch, 'synced' | 'hasSynced'>;
  readonly ledger: Pick<Ledger, 'load'>;
  /** Filled from the records. */
  readonly memory: HostMemory;
}

/** False if the term ended before the first decision. */
export async function openTerm(options: OpeningOptions): Promise<boolean> {
  const { term, view, ledger, memory } = options;
  try {
    const records = await untilRead(options, () => ledger.load());
    for (const record of records) memory.keep(factsFromRecord(record));
    for (const { host, subscriptionNotBefore } of records)
      memory.holdSubscription(host.id, subscriptionNotBefore);
    await Promise.race([view.synced, aborted(term.signal)]);
  } catch (error) {
    if (term.signal.aborted) return false;
    throw error;
  }
  return !term.signal.aborted && view.hasSynced();
}

/** Decisions need the records: without them identities attached by MIC would count as attached by others. */
async function untilRead<T>(
  { clock, random, log, term }: Pick<OpeningOptions, 'clock' | 'random' | 'log' | 'term'>,
  read: () => Promise<T>,
): Promise<T> {
  const { signal } = term;
  const backoff = createBackoff({ baseMs: 1_000, capMs: 5_000, random });
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (signal.aborted || !(error instanceof KubeError)) throw error;
      log.error({ why: error.message }, 'host records cannot be read; nothing is done before they are');
      await clock.sleep(backoff.next(), signal);
    }
  }
}
