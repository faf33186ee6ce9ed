import { getEventListeners } from 'node:events';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it, vi } from 'vitest';
import { awaitChange } from './await-change.ts';

const stage = () => {
  const listeners = new Set<() => void>();
  const clock = createFakeClock();
  const controller = new AbortController();
  const subscribe = (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return {
    clock,
    controller,
    listeners,
    change: () => [...listeners].forEach((listener) => listener()),
    ports: { clock, changes: { subscribe } },
    patience: { deadline: 100, caller: { gone: controller.signal } },
  };
};

it('resolves at the change that makes a result available, and checks only at changes', async () => {
  const { change, ports, patience, listeners, clock } = stage();
  const known: { answer?: string } = {};
  const look = vi.fn(() => known.answer);
  const waiting = awaitChange(look, patience, ports);
  change();
  await clock.advance(50);
  known.answer = 'there';
  change();
  await expect(waiting).resolves.toBe('there');
  expect(look).toHaveBeenCalledTimes(3);
  expect([listeners.size, clock.pending]).toEqual([0, 0]);
  expect(getEventListeners(patience.caller.gone, 'abort')).toEqual([]);
});

it('checks once at the start, so that an earlier change is not missed', async () => {
  const { ports, patience } = stage();
  await expect(awaitChange(() => 'already', patience, ports)).resolves.toBe('already');
});

it('resolves to undefined at the deadline, and leaves no listener or timer', async () => {
  const { ports, patience, listeners, clock } = stage();
  await clock.advance(60);
  const waiting = awaitChange(() => undefined, patience, ports);
  await clock.advance(40);
  await expect(waiting).resolves.toBeUndefined();
  expect([listeners.size, clock.pending]).toEqual([0, 0]);
});

it('resolves to undefined at once when the caller leaves', async () => {
  const { ports, patience, listeners, controller } = stage();
  const waiting = awaitChange(() => undefined, patience, ports);
  controller.abort();
  await expect(waiting).resolves.toBeUndefined();
  expect(listeners.size).toBe(0);
  await expect(awaitChange(() => 'late', patience, ports)).resolves.toBeUndefined();
});

it('rejects if the check throws', async () => {
  const { ports, patience, listeners } = stage();
  const bad = () => {
    throw new Error('bug');
  };
  await expect(awaitChange(bad, patience, ports)).rejects.toThrow('bug');
  expect(listeners.size).toBe(0);
});
