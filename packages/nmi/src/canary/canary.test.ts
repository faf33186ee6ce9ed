import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { listenerName } from '../request/wire.ts';
import { createCanary } from './canary.ts';
import type { Sighting } from './verdict.ts';

const refused: Sighting = { kind: 'failed', code: 'ECONNREFUSED' };
const imds: Sighting = {
  kind: 'answer',
  status: 404,
  server: 'IMDS/1',
  body: '',
  localAddress: '10.0.0.7',
};

const stage = () => {
  const clock = createFakeClock();
  const lines: string[] = [];
  const challenges: string[] = [];
  const state: { next: 'nmi' | Sighting } = { next: 'nmi' };
  let count = 0;
  const canary = createCanary({
    node: 'node-1',
    newChallenge: () => `challenge-${(count += 1)}`,
    sendProbe: (challenge) => {
      challenges.push(challenge);
      const body = JSON.stringify({ node: 'node-1', caller: '10.0.0.7', challenge });
      return Promise.resolve(
        state.next === 'nmi' ? { ...imds, status: 200, server: listenerName, body } : state.next,
      );
    },
    clock,
    log: createLog({ component: 'nmi', destination: { write: (line) => lines.push(line) } }),
  });
  const answer = async (path: string) => canary.routes.find((route) => route.path === path)?.respond();
  const stop = new AbortController();
  return { clock, lines, challenges, state, answer, stop, keep: () => canary.keep(stop.signal) };
};

it('is not ready before its first question is answered, and alive from the beginning', async () => {
  const { answer } = stage();
  expect(await answer('/readyz')).toMatchObject({ status: 503 });
  expect(await answer('/healthz')).toMatchObject({ status: 200 });
});

it('is ready only while NMI answers, says what else is, and logs changes only', async () => {
  const { clock, state, answer, lines, keep, stop } = stage();
  const kept = keep();
  await clock.advance(20_000);
  expect(await answer('/readyz')).toEqual({ status: 200, body: 'ready\n' });
  state.next = imds;
  await clock.advance(20_000);
  expect(await answer('/readyz')).toEqual({
    status: 503,
    body: expect.stringMatching(/^other-server: .*IMDS\/1.*\n$/) as string,
  });
  state.next = refused;
  await clock.advance(20_000);
  expect(await answer('/readyz')).toMatchObject({
    status: 503,
    body: expect.stringMatching(/^refused: /) as string,
  });
  state.next = 'nmi';
  await clock.advance(1_000);
  expect(await answer('/readyz')).toMatchObject({ status: 200 });
  expect(lines.map((line) => /reason="?([\w-]+)/.exec(line)?.[1] ?? 'ready')).toEqual([
    'ready',
    'other-server',
    'refused',
    'ready',
  ]);
  stop.abort();
  await kept;
  expect(clock.pending).toBe(0);
});

it('asks each time with another challenge, every 5 seconds, and every second while it is not ready', async () => {
  const { clock, state, challenges, keep, stop } = stage();
  const kept = keep();
  await clock.advance(10_000);
  expect(challenges).toEqual(['challenge-1', 'challenge-2', 'challenge-3']);
  state.next = refused;
  await clock.advance(5_000);
  challenges.length = 0;
  await clock.advance(5_000);
  expect(challenges).toHaveLength(5);
  stop.abort();
  await kept;
});
