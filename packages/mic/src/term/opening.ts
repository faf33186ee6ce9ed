// The steps before the first decision of a term: stored objects are upgraded, records read, watches synced, pods settled.
import { aborted, createBackoff, type Clock } from '@pod-identity/kit/core';
import { KubeError, type KubeTransport, type LeaderTerm } from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';
import type { Ledger } from '../apply/ledger.ts';
import type { HostMemory } from '../apply/memory.ts';
import { upgradeStoredObjects } from '../apply/upgrade.ts';
import { factsFromRecord } from '../snapshot/facts/host-facts.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { ClusterWatch } from '../snapshot/watch/cluster-watch.ts';
import type { MicSettings } from './settings.ts';
import { settleStale } from './sweeper.ts';

export interface OpeningOptions {
  readonly term: LeaderTerm;
  /** Its writes are fenced by the lease. */
  readonly transport: KubeTransport;
  readonly view: Pick<ClusterWatch, 'synced' | 'hasSynced'>;
  readonly index: Pick<ClusterIndex, 'settleEach'>;
  readonly ledger: Ledger;
  /** Filled from the records. */
  readonly memory: HostMemory;
  readonly typeUpgrade: MicSettings['typeUpgrade'];
  /** MIC's own namespace, with the marker of the upgrade. */
  readonly namespace: string;
  readonly version: string;
  readonly clock: Clock;
  readonly yieldTurn: () => Promise<void>;
  readonly random: () => number;
  readonly log: Log;
}

/** False if the term ended before the first decision. */
export async function openTerm(options: OpeningOptions): Promise<boolean> {
  const { term, view, ledger, memory } = options;
  try {
    await upgrade(options);
    const records = await untilRead(options, () => ledger.load());
    for (const record of records) memory.keep(factsFromRecord(record));
    for (const { host, subscriptionNotBefore } of records)
      memory.holdSubscription(host.id, subscriptionNotBefore);
    await Promise.race([view.synced, aborted(term.signal)]);
    // Decisions and reviews of rights need what each pod gets: what is not counted yet would be detached.
    await settleStale(options, term.signal);
  } catch (error) {
    if (term.signal.aborted) return false;
    throw error;
  }
  return !term.signal.aborted && view.hasSynced();
}

type UpgradeOptions = Pick<
  OpeningOptions,
  'transport' | 'term' | 'log' | 'typeUpgrade' | 'namespace' | 'version'
>;

/** Best effort, since reading does not depend on it; the next term retries. */
async function upgrade({ transport, term, log, typeUpgrade, ...at }: UpgradeOptions): Promise<void> {
  const { enabled, configMap: name, key } = typeUpgrade;
  if (!enabled) return;
  const marker = { namespace: at.namespace, name, key, version: at.version };
  try {
    await upgradeStoredObjects({ transport, term, log, marker });
  } catch (error) {
    if (term.signal.aborted || !(error instanceof KubeError)) throw error;
    log.warn({ why: error.message }, 'stored objects could not be upgraded');
  }
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
