// The lock by which the original's replicas elect their leader. Its times are of the writer's clock and do not count; only changes
// count, by the local clock. Editors of Endpoints can forge changes, so the lock can only delay a first start and raise an alarm.

/** The result of one read. */
export type LockReading =
  | { readonly kind: 'free' }
  | { readonly kind: 'held'; readonly holder: string; readonly renewTime: string }
  /** `isPassing`: a retry may succeed. */
  | { readonly kind: 'unreadable'; readonly isPassing: boolean; readonly why: string };

/** The result of several reads. */
export interface LockSighting {
  readonly holder: string;
  readonly renewTime: string;
  /** When its current state was first seen. */
  readonly since: number;
}

export const lockAnnotation = 'control-plane.alpha.kubernetes.io/leader';

/** How long the original's replicas respect a lock that is not renewed; it is renewed every 3.75 s. */
export const lockLastsMs = 15_000;
/** In characters: several times what the original writes. */
const longestRecord = 4 * 1024;
/** Form of the holder's name, which editors can forge. */
const plainHolder = /^[A-Za-z0-9._-]{1,128}$/;

export function readLock(object: unknown): LockReading {
  const record = recordOf(object);
  if (record === undefined) return { kind: 'free' };
  const { holderIdentity: holder, renewTime } = record;
  if (typeof holder !== 'string' || holder === '' || typeof renewTime !== 'string') return { kind: 'free' };
  return { kind: 'held', holder: plainHolder.test(holder) ? holder : 'unknown', renewTime };
}

function recordOf(object: unknown): Readonly<Record<string, unknown>> | undefined {
  const { metadata } = object as { readonly metadata?: { readonly annotations?: Record<string, unknown> } };
  const text = metadata?.annotations?.[lockAnnotation];
  if (typeof text !== 'string' || text.length > longestRecord) return undefined;
  try {
    const record: unknown = JSON.parse(text);
    return typeof record === 'object' && record !== null ? (record as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

export function foldLook(
  before: LockSighting | undefined,
  reading: LockReading,
  at: number,
): LockSighting | undefined {
  if (reading.kind === 'unreadable') return before;
  if (reading.kind === 'free') return undefined;
  const { holder, renewTime } = reading;
  if (before?.renewTime === renewTime && before.holder === holder) return before;
  return { holder, renewTime, since: at };
}

/** Whether a start of ours may go on before the longest wait is over. */
export function mayStart(reading: LockReading, sighting: LockSighting | undefined, now: number): boolean {
  if (sighting !== undefined) return now - sighting.since >= lockLastsMs;
  return reading.kind !== 'unreadable' || !reading.isPassing;
}

/** Who has renewed the lock since an earlier look; that is unknown at the first. */
export function renewerOf(before: LockReading | undefined, reading: LockReading): string | undefined {
  if (before === undefined || reading.kind !== 'held') return undefined;
  return before.kind === 'held' && before.renewTime === reading.renewTime ? undefined : reading.holder;
}
