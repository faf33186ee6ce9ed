import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { createReadiness } from './readiness.ts';

const stage = () => {
  const clock = createFakeClock();
  const synced = Promise.withResolvers<undefined>();
  const state = { isSynced: false, heardMs: 0, isRedirected: true, isAnswering: true };
  const informer = {
    hasSynced: () => state.isSynced,
    synced: synced.promise,
    lastHeardMs: () => state.heardMs,
  };
  const readiness = createReadiness({
    informers: [informer],
    isRedirected: () => state.isRedirected,
    selfTest: () => Promise.resolve(state.isAnswering),
    clock,
  });
  const sync = () => {
    state.isSynced = true;
    synced.resolve(undefined);
  };
  return { clock, readiness, state, sync };
};
const patience = { deadline: 100, caller: { gone: new AbortController().signal } };

it('holds callers until the cluster is known', async () => {
  const { readiness, sync, clock } = stage();
  const ready = readiness.whenReady(patience);
  sync();
  await expect(ready).resolves.toBe(true);
  expect(readiness.whenReady(patience)).toBe(true);
  expect(clock.pending).toBe(0);
});

it('but not beyond their deadline, nor when they are gone', async () => {
  const { readiness, clock } = stage();
  const late = readiness.whenReady(patience);
  const gone = new AbortController();
  const left = readiness.whenReady({ deadline: 1000, caller: { gone: gone.signal } });
  gone.abort();
  await expect(left).resolves.toBe(false);
  await clock.advance(100);
  await expect(late).resolves.toBe(false);
});

it('is ready when everything is, and says what is not', async () => {
  const { readiness, state, sync } = stage();
  await expect(readiness.problems()).resolves.toEqual([
    'the objects of the cluster have not all been read yet',
  ]);
  sync();
  await expect(readiness.problems()).resolves.toEqual([]);
  Object.assign(state, { heardMs: 200_000, isRedirected: false, isAnswering: false });
  await expect(readiness.problems()).resolves.toEqual([
    'the API server has not been heard of for too long',
    'requests of pods are not redirected here yet',
    'the listener does not answer',
  ]);
});
