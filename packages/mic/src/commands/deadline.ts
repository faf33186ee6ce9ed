import type { Clock } from '@pod-identity/kit/core';
import { KubeError } from '@pod-identity/kit/kube';

interface Limited {
  readonly clock: Pick<Clock, 'after'>;
  readonly signal: AbortSignal;
  /** For what is not a result: standard output has results alone. */
  readonly complain: (line: string) => void;
}

/** More than a cluster takes whose pods can be counted in hundreds of thousands. */
export const deadlineMs = 120_000;
/** The API server did not say what is needed. */
const cannotSay = 2;

/** Runs a command that reads the cluster to its exit code, in limited time. */
export async function inTime(
  { clock, signal, complain }: Limited,
  run: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const late = new AbortController();
  const timer = clock.after(deadlineMs, () => late.abort());
  try {
    return await run(AbortSignal.any([signal, late.signal]));
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    const why = late.signal.aborted ? `nothing complete within ${deadlineMs / 1000} s` : error.message;
    complain(`the API server does not say what is needed (${error.code}): ${why}`);
    return cannotSay;
  } finally {
    timer.cancel();
  }
}
