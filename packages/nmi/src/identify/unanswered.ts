import { RecentMap, type Clock } from '@pod-identity/kit/core';
import type { NoHolderResult, PodMemory } from './results.ts';

/** Far more addresses than a node has. */
export const addressesKept = 4_096;

interface Entry {
  readonly why: 'away' | 'refused';
  readonly at: number;
  /** The number of responses before it. */
  readonly results: number;
  readonly pauseMs: number;
}

/** Recent requests that failed, by address: one affects only its own address, and any response ends an outage. */
export function createUnanswered(memory: Pick<PodMemory, 'lastHeardMs'>, clock: Clock) {
  const entries = new RecentMap<string, Entry>(addressesKept);
  let results = 0;

  const isOver = ({ why, at, results: before, pauseMs }: Entry): boolean => {
    const sinceMs = clock.elapsed() - at;
    if (sinceMs >= pauseMs) return true;
    return why === 'away' && (results > before || memory.lastHeardMs() < sinceMs);
  };

  return {
    /** Why it failed, while the request is not repeated. */
    on(address: string): Entry['why'] | undefined {
      const entry = entries.get(address);
      if (!entry) return undefined;
      if (!isOver(entry)) return entry.why;
      entries.delete(address);
      return undefined;
    },
    note(address: string, entry: NoHolderResult): void {
      if (entry.why === 'crowded') return;
      entries.set(address, { ...entry, at: clock.elapsed(), results });
    },
    /** The API server has responded: this ends an outage for all addresses. */
    end(): void {
      results += 1;
    },
  };
}
