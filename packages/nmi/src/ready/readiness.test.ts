import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it, vi } from 'vitest';
import { createReadiness } from './readiness.ts';

const stage = ({ outageMs = 900_000 } = {}) => {
  const clock = createFakeClock();
  const synced = Promise.withResolvers<undefined>();
  const state = { isSynced: false, heardMs: 0, isAnswering: true, isLedHere: true };
  const redirect: { problem?: string } = {};
  const informer = {
    hasSynced: () => state.isSynced,
    synced: synced.promise,
    lastHeardMs: () => state.heardMs,
  };
  const throughRedirect = vi.fn(() => Promise.resolve(state.isLedHere));
  const judged: boolean[] = [];
  const readiness = createReadiness({
    informers: [informer],
    redirectProblem: () => redirect.problem,
    throughRedirect,
    selfTest: () => Promise.resolve(state.isAnswering),
    outageMs,
    onJudged: (isReady) => judged.push(isReady),
    clock,
  });
  const sync = () => {
    state.isSynced = true;
    synced.resolve(undefined);
  };
  return { clock, readiness, state, redirect, throughRedirect, judged, sync };
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

it('nor when the agent ends', async () => {
  const { readiness, clock } = stage();
  const held = readiness.whenReady({ ...patience, deadline: 25_000 });
  readiness.endWaiting();
  await expect(held).resolves.toBe(false);
  expect(clock.pending).toBe(0);
});

const texts = (...parts: string[]) => parts.map((part) => expect.stringContaining(part) as string);

it('is ready when everything is, and says what is not', async () => {
  const { readiness, state, redirect, sync, clock, judged } = stage();
  await expect(readiness.problems()).resolves.toEqual(texts('have not all been read yet'));
  sync();
  await expect(readiness.problems()).resolves.toEqual([]);
  Object.assign(state, { heardMs: 250_000, isAnswering: false });
  redirect.problem = 'no program writes rules';
  await clock.advance(3_000);
  await expect(readiness.problems()).resolves.toEqual(
    texts(
      'has not been heard of for four minutes',
      'the listener does not answer',
      'no program writes rules',
    ),
  );
  expect(judged).toEqual([false, true, false]);
});

it('rules are not enough: a request by their way must have been answered here', async () => {
  const { readiness, state, sync, clock } = stage();
  sync();
  state.isLedHere = false;
  await expect(readiness.problems()).resolves.toEqual(texts('does not get here'));
  state.isLedHere = true;
  await clock.advance(3_000);
  await expect(readiness.problems()).resolves.toEqual([]);
});

it('however often somebody asks, the way is tried once in a while, and not at all without rules', async () => {
  const { readiness, redirect, throughRedirect, sync, clock } = stage();
  sync();
  redirect.problem = 'not yet';
  await readiness.problems();
  expect(throughRedirect).toHaveBeenCalledTimes(0);
  delete redirect.problem;
  await Promise.all(Array.from({ length: 50 }, () => readiness.problems()));
  expect(throughRedirect).toHaveBeenCalledTimes(1);
  await clock.advance(3_000);
  await readiness.problems();
  expect(throughRedirect).toHaveBeenCalledTimes(2);
});

it('a test that fails to be made has failed', async () => {
  const { readiness, throughRedirect, sync } = stage();
  sync();
  throughRedirect.mockRejectedValueOnce(new Error('no socket'));
  await expect(readiness.problems()).resolves.toEqual(texts('does not get here'));
});

it.each([
  ['15 minutes', 900_000, 900_000],
  ['three minutes, because no watch is heard of all the time', 0, 180_000],
])('what was watched counts for %s, then it is outdated, and that is told', async (_, outageMs, boundMs) => {
  const { clock, readiness, state, sync } = stage({ outageMs });
  sync();
  expect(readiness.isOutdated()).toBe(false);
  await clock.advance(boundMs);
  state.heardMs = boundMs;
  expect(readiness.isOutdated()).toBe(false);
  await expect(readiness.problems()).resolves.not.toContainEqual(
    expect.stringContaining('nobody gets a token'),
  );
  await clock.advance(1);
  state.heardMs = boundMs + 1;
  expect(readiness.isOutdated()).toBe(true);
  await expect(readiness.problems()).resolves.toEqual(texts('nobody gets a token'));
});

it('what was watched counts again, as long as before, once every watch is heard of', async () => {
  const clock = createFakeClock();
  const heardAt = [0, 0];
  const informers = heardAt.map((_, watch) => ({
    hasSynced: () => true,
    synced: Promise.resolve(),
    lastHeardMs: () => clock.elapsed() - heardAt[watch]!,
  }));
  const { isOutdated } = createReadiness({
    informers,
    clock,
    outageMs: 180_000,
    selfTest: () => Promise.resolve(true),
  });
  await clock.advance(50_000);
  heardAt[0] = clock.elapsed();
  expect(isOutdated()).toBe(false);
  await clock.advance(130_001);
  expect(isOutdated()).toBe(true);
  heardAt[1] = clock.elapsed();
  expect(isOutdated()).toBe(false);
  await clock.advance(49_999);
  expect(isOutdated()).toBe(false);
  await clock.advance(1);
  expect(isOutdated()).toBe(true);
});
