// How long a host, or an identity on it, is left alone after something went wrong. Pure: chance is an argument.
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const longestTroubleMs = 10 * minuteMs;
/** At first; a minute at last, so that nobody waits much longer than the illness lasts. */
const illnessMs = 5_000;
/** While somebody else changes the host. Ten minutes of it cost at most 20 readings; a short change is seen over soon. */
const firstMotionMs = 2_000;
const longestMotionMs = 45_000;
/** A role may have been granted a moment ago, and is not everywhere yet. */
const firstDeniedMs = 5_000;
/** After an operation that failed; see latePauseMs. */
const firstLateMs = 5_000;
const longestLateMs = 5 * minuteMs;

interface Trouble {
  readonly kind: string;
  readonly retryAfterMs?: number;
  readonly late?: true;
}

/** From one minute, doubling, up to an hour; a tenth more or less by chance. */
export function quarantineMs(failures: number, chance: number): number {
  return jittered(Math.min(hourMs, minuteMs * 2 ** (failures - 1)), chance);
}

/** At least as long as was asked for; each row of the same trouble makes the pauses grow. */
export function pauseMs({ kind, retryAfterMs, late }: Trouble, failures: number, chance: number): number {
  if (late) return Math.max(retryAfterMs ?? 0, jittered(latePauseMs(failures), chance));
  const doubling = 2 ** (failures - 1);
  switch (kind) {
    case 'unavailable':
      return Math.max(retryAfterMs ?? 0, Math.min(minuteMs, illnessMs * doubling));
    case 'busy':
      return Math.max(
        retryAfterMs ?? 0,
        jittered(Math.min(longestMotionMs, firstMotionMs * doubling), chance),
      );
    case 'denied':
      return jittered(Math.min(longestTroubleMs, firstDeniedMs * doubling), chance);
    default:
      return retryAfterMs ?? jittered(Math.min(longestTroubleMs, minuteMs * doubling), chance);
  }
}

/** Soon at first: a failed operation is often the fault of the moment. */
function latePauseMs(failures: number): number {
  return Math.min(longestLateMs, firstLateMs * 2 ** (failures - 1));
}

function jittered(ms: number, chance: number): number {
  return Math.round(ms * (0.9 + 0.2 * chance));
}
