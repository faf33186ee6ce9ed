// Room: what MIC does for a takeover from the original: waits for its end and warns beside it.
// It must not write the original's lock, or stop MIC for good: the lock can be forged.
//
// Both MICs change the same hosts and objects. While no MIC of ours has led yet, a start waits for a limited time until the original
// has ended; a leader warns that it runs.
import type { Clock } from '@pod-identity/kit/core';
import {
  coreKinds,
  createResource,
  KubeError,
  type KubeAmbient,
  type KubeErrorCode,
  type KubeTransport,
  type LeaderTerm,
  type ObjectKey,
  type ResourceKind,
} from '@pod-identity/kit/kube';

/** The result of one read. */
type LockReading =
  | { readonly kind: 'free' }
  | { readonly kind: 'held'; readonly holder: string; readonly renewTime: string }
  /** `isPassing`: a retry may succeed. */
  | { readonly kind: 'unreadable'; readonly isPassing: boolean; readonly why: string };

/** The result of several reads. */
interface LockSighting {
  readonly holder: string;
  readonly renewTime: string;
  /** When its current state was first seen. */
  readonly since: number;
}

export interface OriginalOptions extends Pick<KubeAmbient, 'transport' | 'clock' | 'log'> {
  /** Undefined: not read, waited for or reported. */
  readonly lock: ObjectKey | undefined;
  /** Our own Lease: it exists if a MIC of ours has led before. */
  readonly lease: ObjectKey;
  readonly onRunning: (isRunning: boolean) => void;
}

export const lockAnnotation = 'control-plane.alpha.kubernetes.io/leader';

/** How long the original's replicas respect a lock that is not renewed; it is renewed every 3.75 s. */
const lockLastsMs = 15_000;
/** In characters: several times what the original writes. */
const longestRecord = 4 * 1024;
/** Form of the holder's name, which editors can forge. */
const plainHolder = /^[A-Za-z0-9._-]{1,128}$/;
/** The lock is read again soon; one read that hangs must not delay this. */
const patienceMs = 5_000;
/** Maximum delay of a first start. */
const longestStandByMs = 5 * 60_000;
const standByLookMs = 2_500;
/** Of a leader. Endpoints are deprecated, and most clusters have no such lock. */
const sweepMs = 5 * 60_000;
const passing: ReadonlySet<KubeErrorCode> = new Set(['transport', 'unavailable', 'throttled', 'aborted']);

const endpoints: ResourceKind = {
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  namespaced: true,
};

/** Resolves when this MIC may stand for election: at once if one of ours has led before, else within 5 minutes. */
export async function standBy(options: OriginalOptions, signal: AbortSignal): Promise<void> {
  const { lock: key, transport, clock, log } = options;
  if (!key) return;
  const lock = textOf(key);
  const begunAt = clock.elapsed();
  let isReported = false;
  let sighting: LockSighting | undefined;
  const whyStart = async () => {
    // Checked each time: a lock forged when another replica leads must not prevent this one from standing for election.
    if (await hasLed(options, signal)) return 'another MIC of ours has started: this one does not stand by';
    const reading = await look(transport, key, signal);
    const now = clock.elapsed();
    sighting = foldLook(sighting, reading, now);
    if (now - begunAt >= longestStandByMs)
      return "the original's MIC goes on holding its lock; ours starts all the same";
    return mayStart(reading, sighting, now)
      ? "the lock of the original's MIC is not renewed any more"
      : undefined;
  };

  while (!signal.aborted) {
    const why = await whyStart();
    if (why !== undefined) {
      if (isReported) log.info({ lock }, why);
      return;
    }
    if (sighting && !isReported)
      log.warn(
        { lock, holder: sighting.holder },
        "standing by: the original's MIC holds its lock; ours starts once that is not renewed for 15 s, and in 5 minutes at the latest",
      );
    isReported ||= sighting !== undefined;
    await pause(clock, standByLookMs, signal);
  }
}

/** Warns while the original runs, until the term ends. What cannot be read changes nothing of what was said. */
export async function sweepLock(options: OriginalOptions, term: LeaderTerm): Promise<void> {
  const { lock, transport, clock, onRunning } = options;
  if (!lock) return;
  const report = createReport(options, textOf(lock));
  let last: LockReading | undefined;
  while (!term.signal.aborted) {
    const reading = await look(transport, lock, term.signal);
    // Whether a held lock is renewed shows at the second look.
    const pauseMs = last === undefined && reading.kind === 'held' ? lockLastsMs : sweepMs;
    if (reading.kind === 'unreadable') report.unreadable(reading);
    else {
      if (term.holds()) report.renewer(renewerOf(last, reading));
      last = reading;
    }
    await pause(clock, pauseMs, term.signal);
  }
  onRunning(false);
}

/** Says each thing once, until it changes. */
function createReport({ log, onRunning }: OriginalOptions, lock: string) {
  let wasRunning = false;
  let isRefused = false;
  return {
    unreadable({ isPassing, why }: Extract<LockReading, { kind: 'unreadable' }>) {
      if (isPassing || isRefused) return;
      isRefused = true;
      log.warn(
        { lock, why },
        "the lock of the original's MIC cannot be read: whether that runs too is not known (deploy/components/original-lock, --original-lock)",
      );
    },
    renewer(holder: string | undefined) {
      const isRunning = holder !== undefined;
      if (isRunning === wasRunning) return;
      wasRunning = isRunning;
      onRunning(isRunning);
      if (isRunning) log.warn({ lock, holder }, runningText(lock, holder));
      else log.info({ lock }, "the original's MIC does not renew its lock any more");
    },
  };
}

/** For the kubectl plug-in, which reads the lock twice: a message about the original's MIC, if it runs. */
export async function readOriginalWarning(
  { lock, transport, clock }: Pick<OriginalOptions, 'lock' | 'transport' | 'clock'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!lock) return undefined;
  const first = await look(transport, lock, signal);
  // An old lock by its own time: no second read.
  if (first.kind !== 'held' || clock.now() - Date.parse(first.renewTime) > longAgoMs) return undefined;
  await pause(clock, twoRenewalsMs, signal);
  const holder = renewerOf(first, await look(transport, lock, signal));
  return holder === undefined ? undefined : runningText(textOf(lock), holder);
}

const longAgoMs = 10 * 60_000;
const twoRenewalsMs = 7_500;

async function look(transport: KubeTransport, lock: ObjectKey, signal: AbortSignal): Promise<LockReading> {
  try {
    return readLock(await createResource(impatient(transport), endpoints).get(lock, { signal }));
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    const { code, message: why } = error;
    return code === 'not-found'
      ? { kind: 'free' }
      : { kind: 'unreadable', isPassing: passing.has(code), why };
  }
}

/** False while the API server does not say. Without the right to read our Lease a start does not wait. */
async function hasLed({ transport, lease }: OriginalOptions, signal: AbortSignal): Promise<boolean> {
  try {
    await createResource(impatient(transport), coreKinds.leases).get(lease, { signal });
    return true;
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    return error.code !== 'not-found' && !passing.has(error.code);
  }
}

function impatient(transport: KubeTransport): KubeTransport {
  return { ...transport, request: (request) => transport.request({ timeoutMs: patienceMs, ...request }) };
}

function textOf({ namespace = '', name }: ObjectKey): string {
  return `${namespace}/${name}`;
}

function runningText(lock: string, holder: string): string {
  return `the original's MIC runs too (${holder} renews the lock ${lock}): both change the same hosts and objects, and undo each other's work. Scale it down; if there is none, somebody who may write Endpoints forges the lock`;
}

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(ms, signal).catch(() => undefined);
}

// The lock by which the original's replicas elect their leader. Its times are of the writer's clock and do not count; only changes
// count, by the local clock. Editors of Endpoints can forge changes, so the lock can only delay a first start and raise an alarm.

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

function foldLook(
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
function mayStart(reading: LockReading, sighting: LockSighting | undefined, now: number): boolean {
  if (sighting !== undefined) return now - sighting.since >= lockLastsMs;
  return reading.kind !== 'unreadable' || !reading.isPassing;
}

/** Who has renewed the lock since an earlier look; that is unknown at the first. */
function renewerOf(before: LockReading | undefined, reading: LockReading): string | undefined {
  if (before === undefined || reading.kind !== 'held') return undefined;
  return before.kind === 'held' && before.renewTime === reading.renewTime ? undefined : reading.holder;
}
