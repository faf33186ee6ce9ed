import { writeSync } from 'node:fs';
import type { Clock, Timer } from '../core/clock.ts';
import { systemClock } from './system-clock.ts';

/** Where a process tells what it does: whole lines, in the order in which they were given. */
export interface Output {
  /** Out at once, after all that was appended before: the last words of a dying process are not lost. */
  write(line: string): void;
  /** Out within `holdMs`, or with many others when there are many. For lines that are too many to be written one by one. */
  append(line: string): void;
  flush(): void;
  /** Lines that could not be written. */
  readonly lost: number;
}

export interface OutputOptions {
  /** Writes all of the text before it returns, or throws. */
  readonly write: (text: string) => void;
  readonly clock: Clock;
  /** The longest that an appended line is kept (50 ms unless told). */
  readonly holdMs?: number;
  /** Characters that are kept at most (16 Ki unless told). */
  readonly holdLength?: number;
}

export function createOutput({ write, clock, holdMs = 50, holdLength = 16 * 1024 }: OutputOptions): Output {
  let held = '';
  let lines = 0;
  let lost = 0;
  let timer: Timer | undefined;

  const flush = () => {
    timer?.cancel();
    timer = undefined;
    if (lines === 0) return;
    const text = held;
    const count = lines;
    held = '';
    lines = 0;
    try {
      write(text);
    } catch {
      // There is no other place to say that nobody reads any longer.
      lost += count;
    }
  };

  return {
    write(line) {
      held += line;
      lines += 1;
      flush();
    },
    append(line) {
      held += line;
      lines += 1;
      if (held.length >= holdLength) flush();
      else timer ??= clock.after(holdMs, flush);
    },
    flush,
    get lost() {
      return lost;
    },
  };
}

let standard: Output | undefined;

/** The one output of this process to file descriptor 1. What it holds is written when the process ends, however it ends. */
export function standardOutput(): Output {
  if (standard === undefined) {
    standard = createOutput({ write: (text) => writeWhole(1, text), clock: systemClock });
    process.once('exit', () => standard?.flush());
  }
  return standard;
}

const busyWaitMs = 2;
const pause = new Int32Array(new SharedArrayBuffer(4));

function writeWhole(descriptor: number, text: string): void {
  let rest: Uint8Array = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      // A pipe that whoever started us made non-blocking is full: the reader is behind.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, busyWaitMs);
    }
  }
}
