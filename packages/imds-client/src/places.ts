// How many requests this process has at an endpoint, whichever client and transport they are of. State in memory alone.
import { onAbort } from './signals.ts';
import type { Aboard } from './single-flight.ts';

/** Gives a place back. */
export type Leave = () => void;

/** A place at once, or a wait for one, which rejects with the signal's reason. `isQueued` is true meanwhile. */
export type Enter = (signal: AbortSignal, aboard: Pick<Aboard, 'isQueued'>) => Leave | Promise<Leave>;

type Admit = () => void;

/** At most so many at a time for each key. A key that nobody uses takes no memory. */
export function createGate(most: number): (key: string) => Enter {
  // In the order in which they came: the first ones are inside. A call leaves with its deadline, or with its last caller.
  const lines = new Map<string, Set<Admit>>();
  return (key) => (signal, aboard) => {
    const line = lines.get(key) ?? new Set();
    lines.set(key, line);
    let admit: Admit = () => undefined;
    const own: Admit = () => admit();
    const leave = () => {
      line.delete(own);
      // The last one that may be inside; to be admitted again does nothing.
      [...line][most - 1]?.();
      if (line.size === 0) lines.delete(key);
    };
    line.add(own);
    if (line.size <= most) return leave;
    aboard.isQueued = true;
    return new Promise((resolve, reject) => {
      const abort = () => {
        leave();
        reject(signal.reason as Error);
      };
      const forget = onAbort(signal, abort);
      admit = () => {
        forget();
        aboard.isQueued = false;
        resolve(leave);
      };
      if (signal.aborted) abort();
    });
  };
}

// IMDS serves five requests at a time. One place is for the probe, which the service answers while it holds others.
const gates = [createGate(4), createGate(1)] as const;

/** The places of an endpoint in this process. */
export function placesAt(endpoint: string): { readonly enter: Enter; readonly enterProbe: Enter } {
  const { origin } = new URL(endpoint);
  return { enter: gates[0](origin), enterProbe: gates[1](origin) };
}

/** Of a transport that the caller gave: its connections are the caller's. */
export const noLimit: Enter = () => () => undefined;
