// Room: what MIC does for a takeover from the original: waits for its end and warns beside it.
// It must not write the original's lock, or stop MIC for good: the lock can be forged.
//
// Both MICs change the same hosts and objects. The first start waits for a limited time until the original has ended; a leader reports
// that it runs.
import type { Clock } from '@pod-identity/kit/core';
import type { EventRecorder, LeaderTerm, ObjectKey } from '@pod-identity/kit/kube';
import type { Ambient } from '@pod-identity/kit/serve';
import {
  foldLook,
  isRenewed,
  longestStandByMs,
  mayStart,
  type LockReading,
  type LockSighting,
} from './lock.ts';
import type { LockReader } from './lock-reader.ts';
import { warning } from '../tell/events.ts';
import { publishReport } from '../tell/publisher.ts';

export interface OriginalWatchPorts extends Pick<Ambient, 'clock' | 'log'> {
  readonly reader: LockReader;
  readonly lock: ObjectKey;
  /** MIC's own, the subject of the Event. */
  readonly lease: ObjectKey;
  readonly events: EventRecorder;
  readonly onRunning: (isRunning: boolean) => void;
}

export interface OriginalWatch {
  /** Resolves when this MIC may stand for election: at once if it has led before, else within 5 minutes. */
  standBy(signal: AbortSignal): Promise<void>;
  /** Raises the alarm while the original runs, during the term. Settles like `work`. */
  beside(term: LeaderTerm, work: Promise<void>): Promise<void>;
}

const standByLookMs = 2_500;
/** While the lock is held. */
const termLookMs = 15_000;
/** While nobody holds the lock, or MIC may not read it: Endpoints are deprecated, and most clusters have no such lock. */
const freeLookMs = 60_000;

export function createOriginalWatch(ports: OriginalWatchPorts): OriginalWatch {
  return new Watch(ports);
}

class Watch implements OriginalWatch {
  readonly #ports: OriginalWatchPorts;
  readonly #lock: string;
  #sighting: LockSighting | undefined;
  #isRunning = false;
  #isRefusalReported = false;

  constructor(ports: OriginalWatchPorts) {
    this.#ports = ports;
    this.#lock = `${ports.lock.namespace ?? ''}/${ports.lock.name}`;
  }

  async standBy(signal: AbortSignal): Promise<void> {
    const { clock, reader, log } = this.#ports;
    const begunAt = clock.elapsed();
    let isReported = false;
    while (!signal.aborted) {
      // Checked each time: a lock forged when another replica leads must not prevent this one from standing for election.
      if ((await reader.hasLed(signal)) === true) {
        if (isReported) this.#follow();
        return;
      }
      const reading = await this.#look(signal);
      const sighting = this.#sighting;
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
    this.#sighting = undefined;
    this.#ports.log.info({ lock: this.#lock }, 'another MIC of ours has started: this one does not stand by');
  }

  #start(isOverdue: boolean): void {
    const { log } = this.#ports;
    if (isOverdue) {
      log.warn({ lock: this.#lock }, "the original's MIC goes on holding its lock; ours starts all the same");
      return;
    }
    // Renewals before its end raise no alarm.
    this.#sighting = undefined;
    log.info({ lock: this.#lock }, "the lock of the original's MIC is not renewed any more");
  }

  async beside(term: LeaderTerm, work: Promise<void>): Promise<void> {
    await Promise.all([work, this.#watch(term)]);
  }

  async #watch(term: LeaderTerm): Promise<void> {
    const { clock } = this.#ports;
    while (!term.signal.aborted) {
      const { kind } = await this.#look(term.signal);
      this.#report(term);
      await pause(clock, kind === 'held' ? termLookMs : freeLookMs, term.signal);
    }
    // The next leader reports the state that it reads.
    this.#isRunning = false;
    this.#sighting = undefined;
    this.#ports.onRunning(false);
  }

  async #look(signal: AbortSignal): Promise<LockReading> {
    const { reader, clock, log } = this.#ports;
    const reading = await reader.look(signal);
    this.#sighting = foldLook(this.#sighting, reading, clock.elapsed());
    if (reading.kind === 'unreadable' && !reading.isPassing && !this.#isRefusalReported) {
      this.#isRefusalReported = true;
      log.warn(
        { lock: this.#lock, why: reading.why },
        "the lock of the original's MIC cannot be read: whether that runs too is not known (deploy/components/original-lock, --original-lock)",
      );
    }
    return reading;
  }

  #report(term: LeaderTerm): void {
    const { clock, log, onRunning } = this.#ports;
    const isRunning = isRenewed(this.#sighting, clock.elapsed());
    if (isRunning === this.#isRunning || !term.holds()) return;
    this.#isRunning = isRunning;
    onRunning(isRunning);
    if (isRunning) this.#raise(term);
    else log.info({ lock: this.#lock }, "the original's MIC does not renew its lock any more");
  }

  #raise(term: LeaderTerm): void {
    const { log, events, lease } = this.#ports;
    const { holder = '' } = this.#sighting ?? {};
    const message = runningText(this.#lock, holder);
    const involved = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      namespace: lease.namespace ?? '',
      name: lease.name,
    };
    const fields = { event: 'OriginalRunning', lock: this.#lock, holder };
    publishReport(
      { log, events, holds: () => term.holds() },
      {
        events: [warning('OriginalRunning', message, involved)],
        lines: [{ level: 'warn', fields, message }],
      },
    );
  }
}

export function runningText(lock: string, holder: string): string {
  return `the original's MIC runs too (${holder} renews the lock ${lock}): both change the same hosts and objects, and undo each other's work. Scale it down; if there is none, somebody who may write Endpoints forges the lock`;
}

/**
 * For the kubectl plug-in: reads the lock twice, at an interval in which the original renews it. Undefined if it is not renewed, or unknown.
 */
export async function whoRenews(
  { reader, clock }: Pick<OriginalWatchPorts, 'reader' | 'clock'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const first = foldLook(undefined, await reader.look(signal), clock.elapsed());
  // An old lock by its own time: no second read.
  if (!first || clock.now() - Date.parse(first.renewTime) > longAgoMs) return undefined;
  await pause(clock, twoRenewalsMs, signal);
  const second = foldLook(first, await reader.look(signal), clock.elapsed());
  return isRenewed(second, clock.elapsed()) ? second?.holder : undefined;
}

const longAgoMs = 10 * 60_000;
const twoRenewalsMs = 7_500;

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(ms, signal).catch(() => undefined);
}
