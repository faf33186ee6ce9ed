// How many requests this process has at an endpoint, whichever client they are of, and how fast they follow each other.
import { onAbort, type StartTimer } from './single-flight.ts';

/** Gives a place back. */
export type Leave = () => void;

/** Resolves when there is a place; rejects with the signal's reason. */
export type Enter = (signal: AbortSignal) => Promise<Leave>;

/** The requests of a key. Nobody waits while there is a place. */
interface Line {
  inside: number;
  /** In the order in which they came. */
  readonly waiting: Set<() => void>;
}

/** At most so many at a time for each key. A key that nobody uses takes no memory. */
export function createGate(most: number): (key: string) => Enter {
  const lines = new Map<string, Line>();
  return (key) => async (signal) => {
    const line = lines.get(key) ?? { inside: 0, waiting: new Set() };
    lines.set(key, line);
    if (line.inside < most) line.inside += 1;
    else await turnIn(line, signal);
    return () => {
      const [admit] = line.waiting;
      if (admit) admit();
      else line.inside -= 1;
      if (line.inside === 0) lines.delete(key);
    };
  };
}

function turnIn({ waiting }: Line, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const ending = (settle: () => void) => () => {
      waiting.delete(admit);
      forget();
      settle();
    };
    const admit = ending(resolve);
    const abort = ending(() => reject(signal.reason as Error));
    waiting.add(admit);
    const forget = onAbort(signal, abort);
    if (signal.aborted) abort();
  });
}

// IMDS serves five requests at a time. One place is for the probe, which the service answers while it holds others.
const gates = [createGate(4), createGate(1)] as const;

/** Milliseconds. IMDS serves twenty requests in a second, and answers others by 429: with four places these are sixteen. */
const leastMs = 250;

/** A place is not used by another request before that time. */
function pacing(enter: Enter, startTimer: StartTimer): Enter {
  return async (signal) => {
    const leave = await enter(signal);
    const isOver = new Promise<void>((resolve) => {
      startTimer(leastMs, resolve);
    });
    return () => void isOver.then(leave);
  };
}

/** The places of an endpoint in this process. */
export function slotsAt(endpoint: string, startTimer: StartTimer): Record<'enter' | 'enterProbe', Enter> {
  const { origin } = new URL(endpoint);
  return { enter: pacing(gates[0](origin), startTimer), enterProbe: gates[1](origin) };
}

/** Of a transport that the caller gave: its connections are the caller's. */
export const noLimit: Enter = () => Promise.resolve(() => undefined);
