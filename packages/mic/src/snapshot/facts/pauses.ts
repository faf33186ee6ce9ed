// Pauses before MIC calls a host or attaches an identity again after a failure. Pure: randomness is an argument.
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** What was repaired in Azure takes effect this late at most. */
const longestPauseMs = 10 * minuteMs;
/** The first pause; at most a minute, so that recovery is noticed soon after an outage. */
const firstUnavailableMs = 5_000;
/** While another client changes the host: at most 20 reads in ten minutes, and the end of a short change is noticed soon. */
const firstMotionMs = 2_000;
const longestMotionMs = 45_000;
/** A new role assignment takes a while to become effective everywhere. */
const firstDeniedMs = 5_000;
/** After a failed operation; see latePauseMs. */
const firstLateMs = 5_000;
const longestLateMs = 5 * minuteMs;

interface Failure {
  readonly kind: string;
  readonly retryAfterMs?: number;
  readonly late?: true;
}

/** From one minute, doubling, up to an hour; varied at random by a tenth. */
export function quarantineMs(failures: number, chance: number): number {
  return jittered(Math.min(hourMs, minuteMs * 2 ** (failures - 1)), chance);
}

/** At least as long as Azure requested. Pauses grow while the same kind of failure repeats. */
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

/** Short at first: a failed operation often succeeds when repeated. */
function latePauseMs(failures: number): number {
  return Math.min(longestLateMs, firstLateMs * 2 ** (failures - 1));
}

function jittered(ms: number, chance: number): number {
  return Math.round(ms * (0.9 + 0.2 * chance));
}
