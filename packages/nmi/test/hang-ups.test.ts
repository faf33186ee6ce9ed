// Clients whose time-out is shorter than the hold, over real sockets at the default settings.
import { connect } from 'node:net';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, expect, it } from 'vitest';
import { addressOf, startStage, tokenPath, vaultResource, type Stage } from './harness.ts';

let stage: Stage;
afterEach(() => stage.stop());

it('a pod whose client hung up after ten seconds is told the reason after nine by its next request, another pod after the whole hold', async () => {
  const clock = createFakeClock(Date.now());
  stage = await startStage({ now: () => clock.now() });
  await stage.bound('late');
  const [from, other] = [
    await stage.cluster.pod({ name: 'a', label: 'late' }),
    await stage.cluster.pod({ name: 'b', label: 'late' }),
  ].map(addressOf) as [string, string];
  const nmi = await stage.nmi([], clock);
  const waiting = (count: number) =>
    expect
      .poll(async () => {
        // The server takes a closed half for a hang-up by a timer.
        await clock.advance(0);
        return nmi.waitingCallers();
      })
      .toBe(count);

  const impatient = connect({ host: '127.0.0.1', port: nmi.port, localAddress: from });
  impatient.write(
    `GET ${tokenPath}?${vaultResource} HTTP/1.1\r\nHost: 169.254.169.254\r\nMetadata: true\r\n\r\n`,
  );
  await waiting(1);
  await expect.poll(() => nmi.failedImdsCalls()).toBe(1);
  await clock.advance(10_000);
  impatient.destroy();
  await waiting(0);

  const answers = [nmi.send({ from }), nmi.send({ from: other })] as const;
  await waiting(2);
  await clock.advance(9_000);
  const { status, body } = await answers[0];
  expect([status, body['error_description']]).toEqual([
    503,
    expect.stringContaining('is not assigned to its node yet'),
  ]);
  await waiting(1);
  await clock.advance(16_000);
  expect((await answers[1]).status).toBe(503);
});
