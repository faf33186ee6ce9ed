// How long MIC does not call a host, or does not attach an identity, after a failure. Pure: chance is an argument.
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const longestPauseMs = 10 * minuteMs;
/** At first; at most a minute, so that nobody waits much longer than the outage lasts. */
const firstUnavailableMs = 5_000;
/** While somebody else changes the host: at most 20 readings in ten minutes, and the end of a short change is seen soon. */
const firstMotionMs = 2_000;
const longestMotionMs = 45_000;
/** A role that was just granted takes a while to arrive everywhere. */
const firstDeniedMs = 5_000;
/** After an operation that failed; see latePauseMs. */
const firstLateMs = 5_000;
const longestLateMs = 5 * minuteMs;

interface Failure {
  readonly kind: string;
  readonly retryAfterMs?: number;
  readonly late?: true;
}

/** From one minute, doubling, up to an hour; a tenth more or less by chance. */
export function quarantineMs(failures: number, chance: number): number {
  return jittered(Math.min(hourMs, minuteMs * 2 ** (failures - 1)), chance);
}

/** At least as long as Azure asked for. Pauses grow while the same kind of failure repeats. */
export function pauseMs({ kind, retryAfterMs, late }: Failure, failures: number, chance: number): number {
  if (late) return Math.max(retryAfterMs ?? 0, jittered(latePauseMs(failures), chance));
  const doubling = 2 ** (failures - 1);
  switch (kind) {
    case 'unavailable':
      return Math.max(retryAfterMs ?? 0, Math.min(minuteMs, firstUnavailableMs * doubling));
    case 'busy':
      return Math.max(
        retryAfterMs ?? 0,
        jittered(Math.min(longestMotionMs, firstMotionMs * doubling), chance),
      );
    case 'denied':
      return jittered(Math.min(longestPauseMs, firstDeniedMs * doubling), chance);
    default:
      return retryAfterMs ?? jittered(Math.min(longestPauseMs, minuteMs * doubling), chance);
  }
}

/** Short at first: a failed operation often succeeds when it is repeated. */
function latePauseMs(failures: number): number {
  return Math.min(longestLateMs, firstLateMs * 2 ** (failures - 1));
}

function jittered(ms: number, chance: number): number {
  return Math.round(ms * (0.9 + 0.2 * chance));
}
