// Reads the original's lock that the flags name.
import type { ObjectKey, KubeAmbient } from '@pod-identity/kit/kube';
import type { Metrics } from '@pod-identity/kit/serve';
import type { MicMetricSpecs } from '../tell/metrics.ts';
import { createLockReader } from './lock-reader.ts';
import { createOriginalWatch, runningText, whoRenews, type OriginalWatch } from './original-watch.ts';

interface Names {
  /** Undefined: not read. */
  readonly lock: ObjectKey | undefined;
  readonly lease: ObjectKey;
}

interface Surroundings extends Pick<KubeAmbient, 'transport' | 'clock' | 'log'> {
  readonly names: Names;
  readonly metrics: Metrics<MicMetricSpecs>;
}

const unwatched: OriginalWatch = {
  standBy: () => Promise.resolve(),
  beside: (_term, work) => work,
};

export function watchOriginal({ names, transport, clock, log, metrics }: Surroundings): OriginalWatch {
  const { lock, lease } = names;
  if (!lock) return unwatched;
  return createOriginalWatch({
    lock,
    log,
    clock,
    reader: createLockReader(transport, { lock, lease }),
    onRunning: (isRunning) => metrics.set('originalRunning', isRunning ? 1 : 0),
  });
}

/** For the kubectl plug-in: a message about the original's MIC, if it runs. */
export function readOriginalWarning(
  { lock, lease }: Names,
  { transport, clock }: Pick<Surroundings, 'transport' | 'clock'>,
): (signal: AbortSignal) => Promise<string | undefined> {
  if (!lock) return () => Promise.resolve(undefined);
  const reader = createLockReader(transport, { lock, lease });
  return async (signal) => {
    const holder = await whoRenews({ reader, clock }, signal);
    return holder === undefined ? undefined : runningText(`${lock.namespace ?? ''}/${lock.name}`, holder);
  };
}
