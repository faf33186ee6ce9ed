import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { createFakeClock } from '../../testing/fake-clock.ts';
import { closeSoon } from './close-soon.ts';

it('the connection is closed a second later, and no timer is left', async () => {
  const clock = createFakeClock();
  const socket = new PassThrough();
  closeSoon(socket, clock);
  await clock.advance(999);
  expect(socket.destroyed).toBe(false);
  await clock.advance(1);
  expect(socket.destroyed).toBe(true);
  expect(clock.pending).toBe(0);
});

it('a connection that is closed earlier leaves no timer', async () => {
  const clock = createFakeClock();
  const socket = new PassThrough();
  closeSoon(socket, clock);
  socket.destroy();
  await clock.advance(0);
  expect(clock.pending).toBe(0);
});
