import type { Duplex } from 'node:stream';
import type { Clock } from '../../core/clock.ts';

/** Time to write the rest, and for the reader to take it. */
const closeSoonMs = 1_000;

/** Closes a connection even if the other end keeps its half open. */
export function closeSoon(socket: Duplex, clock: Clock): void {
  const timer = clock.after(closeSoonMs, () => socket.destroy());
  socket.once('close', () => timer.cancel());
}
