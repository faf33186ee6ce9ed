import type { Clock, Timer } from '../../core/clock.ts';
import type { Pace } from '../../core/pace.ts';

export interface Line {
  pause(): void;
  resume(): void;
  /** Whether all requests are answered. */
  isIdle(): boolean;
}

export interface CallerOptions {
  readonly peer: string;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly onPaused: () => void;
}

/** The connections from one address. While the caller is over its rate, none or only a few of them are read. */
export interface Caller<L extends Line = Line> {
  readonly peer: string;
  readonly pace: Pace;
  readonly size: number;
  add(line: L): void;
  /** Returns whether the caller had it. */
  remove(line: L): boolean;
  isHeld(line: L): boolean;
  /** Stops reading until its pace allows it. */
  hold(): void;
  /** Reads all connections. */
  release(): void;
  lines(): readonly L[];
  /** The connection to close first: the oldest idle one, else the oldest. */
  idlest(): L | undefined;
}

/** Between checks of a held caller. */
const shortestWaitMs = 10;

export function createCaller<L extends Line>({ peer, pace, clock, onPaused }: CallerOptions): Caller<L> {
  const lines = createLines<L>();
  let timer: Timer | undefined;

  const lookLater = () => {
    timer = clock.after(Math.max(shortestWaitMs, pace.waitMs(clock.elapsed())), () => {
      timer = undefined;
      // Idle ones use no requests, so more are read at the next check.
      lines.readSome(pace.available(clock.elapsed()));
      if (lines.held.size > 0) lookLater();
    });
  };

  const hold = () => {
    lines.holdAll();
    if (timer) return;
    onPaused();
    lookLater();
  };

  const all = () => [...lines.read, ...lines.held];

  return {
    peer,
    pace,
    hold,
    lines: all,
    get size() {
      return lines.read.size + lines.held.size;
    },
    add(line) {
      lines.read.add(line);
      if (timer) hold();
    },
    remove: (line) => lines.read.delete(line) || lines.held.delete(line),
    isHeld: (line) => lines.held.has(line),
    release() {
      timer?.cancel();
      timer = undefined;
      lines.readSome(Infinity);
    },
    idlest() {
      const inOrder = all();
      return inOrder.find((line) => line.isIdle()) ?? inOrder[0];
    },
  };
}

function createLines<L extends Line>() {
  const read = new Set<L>();
  // In the order of being read again.
  const held = new Set<L>();
  return {
    read,
    held,
    holdAll() {
      for (const line of read) {
        held.add(line);
        line.pause();
      }
      read.clear();
    },
    readSome(count: number) {
      let left = count;
      for (const line of held) {
        if (left-- < 1) return;
        held.delete(line);
        read.add(line);
        line.resume();
      }
    },
  };
}
