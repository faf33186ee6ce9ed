// A fresh pod whose ServiceAccount gets the right to its identity after the pod has asked for a token, at the default settings.
import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { asked, evil, rbac, startAccessStage, targetsOf, type AccessStage } from './access-stage.ts';
import { longestForMissingMs } from '../src/authorize/grace.ts';
import type { Nmi } from './harness.ts';

let clock: FakeClock;
let stage: AccessStage;
let nmi: Nmi;
let spec: object;

beforeEach(async () => {
  clock = createFakeClock(Date.now());
  stage = await startAccessStage({ now: () => clock.now() });
  spec = { type: 0, resourceID: stage.victim };
  await stage.write(spec);
  nmi = await stage.nmi([...rbac, '--operation-mode=managed'], clock);
});
afterEach(() => stage.stop());

/** The answer to a call that waits now; the right has been reviewed. */
async function held(from: string) {
  const answer = nmi.send(asked(from));
  await expect.poll(() => nmi.metricsText()).toContain('reviews_total{verdict="denied"} 1');
  return { answer };
}

it('a right that is granted while a call of the pod waits: the call gets its token', async () => {
  const from = await stage.evilPod({ startedAt: new Date(clock.now()) });
  const { answer } = await held(from);
  await stage.grant(`${evil}/default`, targetsOf(spec));
  await clock.advance(longestForMissingMs);
  const { status, body } = await answer;
  expect([status, body['client_id']]).toEqual([200, stage.victimClientId]);
});

it('a right that nobody grants: told to try again and which right, in the answer, the Event and the log; refused for good after a minute', async () => {
  const from = await stage.evilPod({ startedAt: new Date(clock.now()) });
  const { answer } = await held(from);
  await clock.advance(longestForMissingMs);
  const { status, headers, body } = await answer;
  expect([status, Number(headers['retry-after'])]).toEqual([503, expect.any(Number)]);
  const why = `ServiceAccount ${evil}/default may not use AzureIdentity ${evil}/evil`;
  expect(body['error_description']).toContain(why);
  expect(body['error_description']).toContain(`azure-pod-identity access ${evil}/default`);
  const events = () =>
    stage.sim.kube.list('events').map((event) => event as unknown as { reason: string; message: string });
  await expect
    .poll(events)
    .toEqual([
      expect.objectContaining({ reason: 'AccessDenied', message: expect.stringContaining(why) as string }),
    ]);
  expect(events()[0]?.message).not.toContain('\n');
  expect(nmi.lines.filter((line) => line.includes('assignment-unbound'))).toEqual([
    expect.stringContaining(why),
  ]);
  await clock.advance(60_000);
  expect((await nmi.send(asked(from))).status).toBe(400);
});
