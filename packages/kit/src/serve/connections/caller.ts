import type { Clock, Timer } from '../../core/clock.ts';
import type { Pace } from '../../core/pace.ts';

export interface Line {
  pause(): void;
  resume(): void;
  /** Whether all requests are answered. */
  isIdle(): boolean;
}

interface CallerOptions {
  readonly peer: string;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly onPaused: () => void;
}

/** The connections from one address. While the caller is over its rate, none or only a few of them are read. */
export type Caller<L extends Line> = ReturnType<typeof createCaller<L>>;

/** Between checks of a held caller. */
const shortestWaitMs = 10;

export function createCaller<L extends Line>({ peer, pace, clock, onPaused }: CallerOptions) {
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

  const all = (): readonly L[] => [...lines.read, ...lines.held];

  return {
    peer,
    pace,
    /** Stops reading until its pace allows it. */
    hold,
    lines: all,
    get size() {
      return lines.read.size + lines.held.size;
    },
    add(line: L): void {
      lines.read.add(line);
      if (timer) hold();
    },
    /** Returns whether the caller had it. */
    remove: (line: L) => lines.read.delete(line) || lines.held.delete(line),
    isHeld: (line: L) => lines.held.has(line),
    /** Reads all connections. */
    release(): void {
      timer?.cancel();
      timer = undefined;
      lines.readSome(Infinity);
    },
    /** The connection to close first: the oldest idle one, else the oldest. */
    idlest(): L | undefined {
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
