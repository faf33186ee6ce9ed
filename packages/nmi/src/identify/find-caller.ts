import type { Clock } from '@pod-identity/kit/core';
import { awaitChange, type Changes } from '../await-change.ts';
import { identifyPod, type Identification } from './identify-pod.ts';
import type { PodView } from './pod-view.ts';

/** What the search needs to know of the node's pods. */
export interface PodDirectory {
  filedUnder(address: string): readonly PodView[];
  /** Whether the API server was heard of lately. */
  isCurrent(): boolean;
  /** Asks the API server itself; undefined when it does not answer. */
  lookUp(address: string): Promise<readonly PodView[] | undefined>;
  readonly changes: Changes;
}

export interface CallerFinderOptions {
  readonly pods: PodDirectory;
  readonly clock: Clock;
  /** How long a caller whose pod nobody knows is held. */
  readonly holdMs: number;
}

export type CallerFinder = (address: string) => Identification | Promise<Identification>;

/**
 * The pod behind an address: at once from memory when memory is current and has one pod. Otherwise the API server is asked,
 * once for all callers from that address, and the answer may come from the watch meanwhile: a pod can call before its
 * address was reported.
 */
export function createCallerFinder({ pods, clock, holdMs }: CallerFinderOptions): CallerFinder {
  const searches = new Map<string, Promise<Identification>>();
  const remembered = (address: string) => identifyPod(pods.filedUnder(address));

  const search = async (address: string): Promise<Identification> => {
    const deadline = clock.now() + holdMs;
    const filed = await pods.lookUp(address);
    const found = filed === undefined ? remembered(address) : identifyPod(filed);
    // Without an answer, memory is the best there is: no kubelet learns of new pods either while the API server is away.
    if (found.kind !== 'none') return found;
    const look = () => {
      const known = remembered(address);
      // After silence a remembered pod that the API server did not name is one that is gone.
      return known.kind === 'none' || (filed !== undefined && !pods.isCurrent()) ? undefined : known;
    };
    const arrived = await awaitChange(look, { deadline, caller: nobody }, { clock, changes: pods.changes });
    return arrived ?? found;
  };

  return (address) => {
    const known = remembered(address);
    if (known.kind === 'pod' && pods.isCurrent()) return known;
    const running = searches.get(address);
    if (running) return running;
    const started = search(address).finally(() => searches.delete(address));
    searches.set(address, started);
    return started;
  };
}

/** A search is for all callers from an address: that one of them hangs up does not end it. */
const nobody = { gone: new AbortController().signal };
