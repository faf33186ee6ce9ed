// When to plan: changes make hosts dirty, and dirty hosts get a turn. Moreover all hosts are planned at the start of a term and in each
// resync period.
import { canonicalResourceId } from '@pod-identity/crd-types';
import type { Clock, Timer } from '@pod-identity/kit/core';
import type { ConditionsWriter } from '../tell/conditions-writer.ts';
import type { HostQueue } from '../apply/host-queue.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { ClusterWatch } from '../snapshot/watch/cluster-watch.ts';
import type { HostKey } from '../snapshot/index/host-groups.ts';
import { createSweeper } from './sweeper.ts';

export interface LoopPorts {
  readonly index: ClusterIndex;
  /** Sources of changes. */
  readonly changes: readonly Pick<ClusterWatch, 'onChange'>[];
  readonly objects: HostQueue;
  readonly conditions: Pick<ConditionsWriter, 'concern'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly resyncMs: number;
  /** Spreads the resyncs of several clusters, 0 to 1. */
  readonly random: () => number;
  readonly yieldTurn: () => Promise<void>;
}

/** A lane is named by its host's id; nodes without a host in Azure share the unnamed one. */
export function queueNameOf(host: HostKey): string {
  return host ?? '';
}

export function hostKeyOf(name: string): HostKey {
  return name === '' ? undefined : canonicalResourceId(name);
}

/** Runs until the signal aborts; returns at once. All informers must have synced. */
export function startLoop(ports: LoopPorts): void {
  const { index, changes, objects, conditions, clock, signal, yieldTurn } = ports;
  const onSweep = () => {
    for (const host of index.dirtyHosts()) objects.poke(queueNameOf(host));
    const concerned = index.takeConcerned();
    conditions.concern('AzureIdentity', concerned.identities);
    conditions.concern('AzureIdentityBinding', concerned.bindings);
  };
  const sweeper = createSweeper({ clock, yieldTurn, onSweep });
  let nextResync: Timer | undefined;
  const resync = () => {
    index.markAllDirty();
    sweeper.sweep();
    nextResync = clock.after(ports.resyncMs * (0.9 + 0.2 * ports.random()), resync);
  };

  const ends = changes.map(({ onChange }) => onChange(() => sweeper.sweepSoon()));
  const stop = () => {
    ends.forEach((end) => end());
    nextResync?.cancel();
    sweeper.stop();
  };
  signal.addEventListener('abort', stop, { once: true });
  resync();
}
