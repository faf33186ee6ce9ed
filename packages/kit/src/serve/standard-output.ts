// The door to file descriptor 1.
import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants as osConstants } from 'node:os';
import { Output } from './output.ts';
import { systemClock } from './system-clock.ts';

const descriptorOfOutput = 1;
/** Time for a slow reader to catch up when the process ends. */
const lastWordsMs = 1_000;
const betweenAttemptsMs = 2;
const pause = new Int32Array(new SharedArrayBuffer(4));

let standard: Output | undefined;

/** The output of this process for log and audit. A stalled reader does not block the process; waiting lines are written at its exit. */
export function standardOutput(): Output {
  if (standard === undefined) {
    let write: ((bytes: Uint8Array) => number) | undefined;
    const output = new Output({
      write: (bytes) => (write ??= writerWithoutWait())(bytes),
      clock: systemClock,
    });
    process.once('exit', () => sayLastWords(output));
    standard = output;
  }
  return standard;
}

/**
 * For the output of a command: blocks until the reader has taken all of it. A reader that has gone, such as `head`, ends the process in
 * silence, as SIGPIPE, which Node.js ignores, ends others.
 */
export function printWhole(text: string): void {
  let rest: Uint8Array = Buffer.from(text);
  while (rest.length > 0) {
    const taken = takenUnlessGone(rest);
    if (taken === 0) Atomics.wait(pause, 0, 0, betweenAttemptsMs);
    rest = rest.subarray(taken);
  }
}

function takenUnlessGone(bytes: Uint8Array): number {
  try {
    return takenOf(descriptorOfOutput, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
    return process.exit(128 + osConstants.signals.SIGPIPE);
  }
}

function sayLastWords(output: Output): void {
  const until = systemClock.elapsed() + lastWordsMs;
  output.end(() => {
    Atomics.wait(pause, 0, 0, betweenAttemptsMs);
    return systemClock.elapsed() < until;
  });
}

/** Number of bytes written; 0 if the reader of a non-blocking descriptor is behind. */
function takenOf(descriptor: number, bytes: Uint8Array): number {
  try {
    return writeSync(descriptor, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    return 0;
  }
}

function writerWithoutWait(): (bytes: Uint8Array) => number {
  const descriptor = withoutWait();
  return (bytes) => takenOf(descriptor, bytes);
}

/** A garbage collected socket would close its descriptor. */
const kept: Socket[] = [];

/**
 * A non-blocking descriptor of standard output. A new one where possible, since the flag is shared with the parent process. Files
 * never block.
 */
function withoutWait(): number {
  const kind = fstatSync(descriptorOfOutput);
  if (kind.isFIFO() || kind.isCharacterDevice()) {
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    try {
      return openSync(`/proc/self/fd/${descriptorOfOutput}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
    } catch {
      // No /proc, or a pipe of another user.
    }
  }
  // Node makes it non-blocking.
  if (kind.isFIFO() || kind.isSocket())
    kept.push(new Socket({ fd: descriptorOfOutput, readable: false, writable: true }).unref());
  return descriptorOfOutput;
}
