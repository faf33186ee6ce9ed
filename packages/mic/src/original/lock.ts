// The lock by which the original's replicas elect their leader, as looks at it show it. Its times are its writer's own and prove
// nothing here: what counts is whether it changes, by our clock. Where editors may write Endpoints anybody can keep it changing, so
// it delays a first start and raises an alarm, and no more than that.

/** What one look showed. */
export type LockReading =
  | { readonly kind: 'free' }
  | { readonly kind: 'held'; readonly holder: string; readonly renewTime: string }
  /** `isPassing`: another look may be answered. */
  | { readonly kind: 'unreadable'; readonly isPassing: boolean; readonly why: string };

/** The lock over several looks. */
export interface LockSighting {
  readonly holder: string;
  readonly renewTime: string;
  /** When it was first seen in its present state. */
  readonly since: number;
  /** Whether it was seen to change: somebody renews it. */
  readonly hasChanged: boolean;
}

export const lockAnnotation = 'control-plane.alpha.kubernetes.io/leader';

/** As long as the original's own replicas respect a lock that is not renewed; it renews every 3.75 s. */
const lockLastsMs = 15_000;
/** The longest that a first start is delayed. */
export const longestStandByMs = 5 * 60_000;
/** Of the lock's name for its holder, which anybody may have written. */
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
  if (typeof text !== 'string') return undefined;
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
  return { holder, renewTime, since: at, hasChanged: before !== undefined };
}

export interface StandingBy {
  /** The last look, and what all of them have shown. */
  readonly reading: LockReading;
  readonly sighting: LockSighting | undefined;
  readonly begunAt: number;
}

/** Whether the first start may go on. */
export function mayStart({ reading, sighting, begunAt }: StandingBy, now: number): boolean {
  if (now - begunAt >= longestStandByMs) return true;
  if (sighting !== undefined) return now - sighting.since >= lockLastsMs;
  return reading.kind !== 'unreadable' || !reading.isPassing;
}

/** Whether somebody keeps renewing the lock. */
export function isRenewed(sighting: LockSighting | undefined, now: number): boolean {
  return sighting?.hasChanged === true && now - sighting.since < 3 * lockLastsMs;
}
