import { createBackoff } from '../core/backoff.ts';
import { createInformer, type Informer, type InformerOptions } from './informer.ts';

/** After a refusal, before the API server is asked again. Short at first: at an installation, rights can come a moment after the program. */
const refusedPauses = { baseMs: 4_000, capMs: 5 * 60_000 };

/**
 * An informer that the program works without while the API server forbids the list or the watch: it counts as synced then (`synced` resolves), and asks again,
 * every five minutes at least. A right that is removed later leaves what was known last.
 *
 * @param onRefused - Called at a refusal, unless nothing was heard since the last one.
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
  /** Nothing was heard since. */
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
