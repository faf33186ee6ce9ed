// Room: what MIC does for a takeover from the original: waits for its end and warns beside it.
// It must not write the original's lock, or stop MIC for good: the lock can be forged.
//
// Both MICs change the same hosts and objects. The first start waits for a limited time until the original has ended; a leader warns
// that it runs.
import type { Clock } from '@pod-identity/kit/core';
import type { LeaderTerm, ObjectKey } from '@pod-identity/kit/kube';
import type { Ambient } from '@pod-identity/kit/serve';
import { foldLook, longestStandByMs, mayStart, type LockReading, type LockSighting } from './lock.ts';
import type { LockReader } from './lock-reader.ts';

export interface OriginalWatchPorts extends Pick<Ambient, 'clock' | 'log'> {
  readonly reader: LockReader;
  readonly lock: ObjectKey;
  readonly onRunning: (isRunning: boolean) => void;
}

export interface OriginalWatch {
  /** Resolves when this MIC may stand for election: at once if it has led before, else within 5 minutes. */
  standBy(signal: AbortSignal): Promise<void>;
  /** Warns while the original runs, during the term. Settles like `work`. */
  beside(term: LeaderTerm, work: Promise<void>): Promise<void>;
}

const standByLookMs = 2_500;
/** Of a leader. Endpoints are deprecated, and most clusters have no such lock. */
const sweepMs = 10 * 60_000;

export function createOriginalWatch(ports: OriginalWatchPorts): OriginalWatch {
  return new Watch(ports);
}

class Watch implements OriginalWatch {
  readonly #ports: OriginalWatchPorts;
  readonly #lock: string;
  #isRefusalReported = false;

  constructor(ports: OriginalWatchPorts) {
    this.#ports = ports;
    this.#lock = `${ports.lock.namespace ?? ''}/${ports.lock.name}`;
  }

  async standBy(signal: AbortSignal): Promise<void> {
    const { clock, reader, log } = this.#ports;
    const begunAt = clock.elapsed();
    let isReported = false;
    let sighting: LockSighting | undefined;
    while (!signal.aborted) {
      // Checked each time: a lock forged when another replica leads must not prevent this one from standing for election.
      if ((await reader.hasLed(signal)) === true) {
        if (isReported) this.#follow();
        return;
      }
      const reading = await this.#look(signal);
      sighting = foldLook(sighting, reading, clock.elapsed());
      if (mayStart({ reading, sighting, begunAt }, clock.elapsed())) {
        if (isReported) this.#start(clock.elapsed() - begunAt >= longestStandByMs);
        return;
      }
      if (sighting && !isReported) {
        log.warn(
          { lock: this.#lock, holder: sighting.holder },
          "standing by: the original's MIC holds its lock; ours starts once that is not renewed for 15 s, and in 5 minutes at the latest",
        );
        isReported = true;
      }
      await pause(clock, standByLookMs, signal);
    }
  }

  #follow(): void {
    this.#ports.log.info({ lock: this.#lock }, 'another MIC of ours has started: this one does not stand by');
  }

  #start(isOverdue: boolean): void {
    const { log } = this.#ports;
    if (isOverdue) {
      log.warn({ lock: this.#lock }, "the original's MIC goes on holding its lock; ours starts all the same");
      return;
    }
    log.info({ lock: this.#lock }, "the lock of the original's MIC is not renewed any more");
  }

  async beside(term: LeaderTerm, work: Promise<void>): Promise<void> {
    await Promise.all([work, this.#watch(term)]);
  }

  async #watch(term: LeaderTerm): Promise<void> {
    const { clock, log, onRunning } = this.#ports;
    const reader = { look: (signal: AbortSignal) => this.#look(signal) };
    let wasRunning = false;
    while (!term.signal.aborted) {
      const holder = await whoRenews({ reader, clock }, term.signal);
      const isRunning = holder !== undefined;
      if (isRunning !== wasRunning && term.holds()) {
        wasRunning = isRunning;
        onRunning(isRunning);
        if (isRunning) log.warn({ lock: this.#lock, holder }, runningText(this.#lock, holder));
        else log.info({ lock: this.#lock }, "the original's MIC does not renew its lock any more");
      }
      await pause(clock, sweepMs, term.signal);
    }
    onRunning(false);
  }

  async #look(signal: AbortSignal): Promise<LockReading> {
    const { reader, log } = this.#ports;
    const reading = await reader.look(signal);
    if (reading.kind === 'unreadable' && !reading.isPassing && !this.#isRefusalReported) {
      this.#isRefusalReported = true;
      log.warn(
        { lock: this.#lock, why: reading.why },
        "the lock of the original's MIC cannot be read: whether that runs too is not known (deploy/components/original-lock, --original-lock)",
      );
    }
    return reading;
  }
}

export function runningText(lock: string, holder: string): string {
  return `the original's MIC runs too (${holder} renews the lock ${lock}): both change the same hosts and objects, and undo each other's work. Scale it down; if there is none, somebody who may write Endpoints forges the lock`;
}

/** Reads the lock twice, at an interval in which the original renews it. Undefined if it is not renewed, or unknown. */
export async function whoRenews(
  { reader, clock }: { readonly reader: Pick<LockReader, 'look'>; readonly clock: Clock },
  signal: AbortSignal,
): Promise<string | undefined> {
  const first = await reader.look(signal);
  // An old lock by its own time: no second read.
  if (first.kind !== 'held' || clock.now() - Date.parse(first.renewTime) > longAgoMs) return undefined;
  await pause(clock, twoRenewalsMs, signal);
  const second = await reader.look(signal);
  return second.kind === 'held' && second.renewTime !== first.renewTime ? second.holder : undefined;
}

const longAgoMs = 10 * 60_000;
const twoRenewalsMs = 7_500;

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(ms, signal).catch(() => undefined);
}
