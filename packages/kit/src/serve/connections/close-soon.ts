import type { Duplex } from 'node:stream';
import type { Clock } from '../../core/clock.ts';

/** For what is left to say, and for the reader to take it. */
const closeSoonMs = 1_000;

/** Nothing more is wanted of this connection: it is closed for good, though the other end may keep its half open for ever. */
export function closeSoon(socket: Duplex, clock: Clock): void {
  const timer = clock.after(closeSoonMs, () => socket.destroy());
  socket.once('close', () => timer.cancel());
}
