import { createServer } from 'node:net';
import { once } from 'node:events';
import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it, onTestFinished } from 'vitest';
import { startServing } from './start.ts';

function stage(port = 0) {
  const clock = createFakeClock();
  const state = { canServe: false };
  const lines: string[] = [];
  const stop = new AbortController();
  const started = startServing(
    {
      server: { host: '127.0.0.1', port, app: { respond: () => expect.unreachable() }, clock },
      canServe: () => state.canServe,
      clock,
      log: createLog({ component: 'nmi', destination: { write: (line) => lines.push(line) } }),
    },
    stop.signal,
  );
  onTestFinished(async () => {
    stop.abort();
    await (await started)?.close(0);
  });
  return { clock, state, lines, stop, started };
}

it('does not listen until it can serve, so that it takes no call of an agent that does', async () => {
  const { clock, state, started } = stage();
  await clock.advance(60_000);
  expect(await Promise.race([started, Promise.resolve('not yet')])).toBe('not yet');
  state.canServe = true;
  await clock.advance(20);
  expect(await started).toMatchObject({ address: '127.0.0.1' });
});

it('waits for a port that another program has, and says so once', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const { clock, state, lines, started } = stage(port);
  state.canServe = true;
  await clock.advance(20);
  await expect.poll(() => clock.pending).toBe(1);
  await clock.advance(500);
  await expect.poll(() => clock.pending).toBe(1);
  expect(lines).toEqual([expect.stringContaining(`ss -ltnpe sport = :${port}`)]);
  other.close();
  await once(other, 'close');
  await clock.advance(500);
  expect(await started).toMatchObject({ port });
});

it('ends with the signal', async () => {
  const { clock, stop, started } = stage();
  await clock.advance(0);
  stop.abort();
  expect(await started).toBeUndefined();
});
