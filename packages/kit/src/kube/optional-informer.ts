import { createBackoff } from '../core/backoff.ts';
import { createInformer, type Informer, type InformerOptions } from './informer.ts';

/** Pauses after a refusal. Short at first, since an installation may create the rights just after the program starts. */
const refusedPauses = { baseMs: 4_000, capMs: 5 * 60_000 };

/**
 * An informer that the program can work without. While the API server forbids the list or the watch, it counts as synced (`synced`
 * resolves) and asks again at least every five minutes. If the right is removed later, the last known objects stay.
 *
 * @param onRefused - Called at a refusal, unless nothing was received since the last one.
 */
export function createOptionalInformer<V>(options: InformerOptions<V>, onRefused: () => void): Informer<V> {
  const { clock, random } = options;
  let attempt = new AbortController();
  let refusedAt: number | undefined;
  const informer: Informer<V> = createInformer({
    ...options,
    onProblem: (problem) => {
      options.onProblem?.(problem);
      if (problem.code !== 'denied') return;
      if (!isRefused()) onRefused();
      refusedAt = clock.elapsed();
      attempt.abort();
    },
  });
  /** Whether nothing was received since the last refusal. */
  const isRefused = () => refusedAt !== undefined && informer.lastHeardMs() >= clock.elapsed() - refusedAt;

  return {
    ...informer,
    hasSynced: () => isRefused() || informer.hasSynced(),
    lastHeardMs: () => (isRefused() ? 0 : informer.lastHeardMs()),
    async run(signal) {
      const pauses = createBackoff({ ...refusedPauses, random });
      while (!signal.aborted) {
        attempt = new AbortController();
        await informer.run(AbortSignal.any([signal, attempt.signal]));
        await clock.sleep(pauses.next(), signal).catch(() => undefined);
      }
    },
  };
}
