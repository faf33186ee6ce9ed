// How many requests this process has at an endpoint, whichever client they are of, and how fast they follow each other.
import { onAbort } from './signals.ts';
import type { Aboard, StartTimer } from './single-flight.ts';

/** Gives a place back. */
export type Leave = () => void;

/** A place at once, or a wait for one, which rejects with the signal's reason. `isQueued` is true meanwhile. */
export type Enter = (signal: AbortSignal, aboard: Aboard) => Leave | Promise<Leave>;

type Admit = () => void;

/** The requests of a key. Nobody waits while there is a place. */
interface Line {
  inside: number;
  /** In the order in which they came. */
  readonly waiting: Set<Admit>;
}

/** At most so many at a time for each key. A key that nobody uses takes no memory. */
export function createGate(most: number): (key: string) => Enter {
  const lines = new Map<string, Line>();
  return (key) => (signal, aboard) => {
    const line = lines.get(key) ?? { inside: 0, waiting: new Set() };
    lines.set(key, line);
    const leave = () => {
      const [admit] = line.waiting;
      if (admit) {
        admit();
        return;
      }
      line.inside -= 1;
      if (line.inside === 0) lines.delete(key);
    };
    if (line.inside < most) {
      line.inside += 1;
      return leave;
    }
    aboard.isQueued = true;
    return new Promise((resolve, reject) => {
      const admit = () => {
        line.waiting.delete(admit);
        forget();
        aboard.isQueued = false;
        resolve(leave);
      };
      const abort = () => {
        line.waiting.delete(admit);
        reject(signal.reason as Error);
      };
      line.waiting.add(admit);
      const forget = onAbort(signal, abort);
      if (signal.aborted) abort();
    });
  };
}

// IMDS serves five requests at a time. One place is for the probe, which the service answers while it holds others.
const gates = [createGate(4), createGate(1)] as const;

/** Milliseconds. IMDS serves twenty requests in a second, and answers others by 429: with four places these are sixteen. */
const leastMs = 250;

/** A place is not used by another request before that time. */
function pacing(enter: Enter, startTimer: StartTimer): Enter {
  const paced = (leave: Leave): Leave => {
    let isLeft = false;
    let isOver = false;
    startTimer(leastMs, () => {
      isOver = true;
      if (isLeft) leave();
    });
    return () => {
      isLeft = true;
      if (isOver) leave();
    };
  };
  return (signal, aboard) => {
    const leave = enter(signal, aboard);
    return leave instanceof Promise ? leave.then(paced) : paced(leave);
  };
}

/** The places of an endpoint in this process. */
export function placesAt(
  endpoint: string,
  startTimer: StartTimer,
): { readonly enter: Enter; readonly enterProbe: Enter } {
  const { origin } = new URL(endpoint);
  return { enter: pacing(gates[0](origin), startTimer), enterProbe: gates[1](origin) };
}

/** Of a transport that the caller gave: its connections are the caller's. */
export const noLimit: Enter = () => () => undefined;
