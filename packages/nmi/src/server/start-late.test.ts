import { createFakeClock } from '@pod-identity/kit/testing';
import type { Log } from '@pod-identity/kit/serve';
import { expect, it } from 'vitest';
import type { RunningServer } from './server.ts';
import { startAtOnce, startLate } from './start-late.ts';

const server = { port: 2579 } as RunningServer;

function stage() {
  const clock = createFakeClock();
  const state = { isServed: true, canServe: false, isPortFree: true, starts: 0 };
  const lines: string[] = [];
  const write = (_: unknown, line: string) => void lines.push(line);
  const parts = {
    clock,
    port: 2579,
    log: { info: write, warn: write } as unknown as Log,
    start: () => {
      state.starts += 1;
      return Promise.resolve(state.isPortFree ? server : undefined);
    },
    isServed: () => Promise.resolve(state.isServed),
    canServe: () => state.canServe,
    foreignListener: () => Promise.resolve(undefined),
  };
  const stop = new AbortController();
  return { clock, state, lines, parts, stop, late: () => startLate(parts, stop.signal) };
}

it('listens at once on a node without another agent, though it has not read the cluster', async () => {
  const { state, parts } = stage();
  state.isServed = false;
  expect(await startAtOnce(parts)).toBe(server);
});

it('takes no call of an agent that serves until it can serve itself', async () => {
  const { clock, state, lines, parts, late } = stage();
  expect(await startAtOnce(parts)).toBeUndefined();
  const started = late();
  await clock.advance(60 * 60_000);
  expect([state.starts, lines]).toEqual([
    0,
    ['another agent serves this node: listening when this one has read the cluster'],
  ]);
  state.canServe = true;
  await clock.advance(500);
  expect(await started).toBe(server);
});

it('listens as soon as the other agent has gone, so that calls wait and are not refused', async () => {
  const { clock, state, late } = stage();
  const started = late();
  await clock.advance(10_000);
  state.isServed = false;
  await clock.advance(500);
  expect(await started).toBe(server);
});

it('waits for a port that another program has, and says so once', async () => {
  const { clock, state, lines, late } = stage();
  Object.assign(state, { isServed: false, isPortFree: false });
  const started = late();
  await clock.advance(10_000);
  expect(lines).toEqual(['waiting for the port: another program has it']);
  state.isPortFree = true;
  await clock.advance(500);
  expect(await started).toBe(server);
});

it('ends with the signal', async () => {
  const { clock, late, stop } = stage();
  const started = late();
  await clock.advance(0);
  stop.abort();
  expect(await started).toBeUndefined();
});
