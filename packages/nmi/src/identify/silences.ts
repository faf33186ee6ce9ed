import { RecentMap, type Clock } from '@pod-identity/kit/core';
import type { NotTold, PodMemory } from './answers.ts';
import { addressesKept } from './ties.ts';

export interface SilencesOptions {
  readonly memory: Pick<PodMemory, 'lastHeardMs'>;
  readonly clock: Clock;
}

/** Questions that were not answered a moment ago, each by the address that it was about. */
export interface Silences {
  /** Why there was no answer, while the same isn't asked again. */
  on(address: string): 'away' | 'refused' | undefined;
  note(address: string, silence: NotTold): void;
  /** The API server answers: it is away for nobody any more. */
  end(): void;
}

interface Silence {
  readonly why: 'away' | 'refused';
  readonly at: number;
  /** How many answers there had been. */
  readonly answers: number;
  readonly pauseMs: number;
}

/** That one question was not answered says nothing of the next one; any answer at all ends what was taken for an outage. */
export function createSilences({ memory, clock }: SilencesOptions): Silences {
  const silences = new RecentMap<string, Silence>(addressesKept);
  let answers = 0;

  const isOver = ({ why, at, answers: before, pauseMs }: Silence): boolean => {
    const sinceMs = clock.elapsed() - at;
    if (sinceMs >= pauseMs) return true;
    return why === 'away' && (answers > before || memory.lastHeardMs() < sinceMs);
  };

  return {
    on(address) {
      const silence = silences.get(address);
      if (!silence) return undefined;
      if (!isOver(silence)) return silence.why;
      silences.delete(address);
      return undefined;
    },
    note(address, silence) {
      if (silence.why === 'crowded') return;
      silences.set(address, { ...silence, at: clock.elapsed(), answers });
    },
    end() {
      answers += 1;
    },
  };
}
