// The agent is told to end while callers wait.
import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { drain } from '../src/server/drain.ts';
import { addressOf, startStage, type Nmi, type Stage } from './harness.ts';

let clock: FakeClock;
let stage: Stage;
let nmi: Nmi;

beforeEach(async () => {
  clock = createFakeClock(Date.now());
  stage = await startStage({ now: () => clock.now() });
  nmi = await stage.nmi(['--events=false'], clock);
});
afterEach(() => stage.stop());

/** A caller who waits for an identity that is not assigned. */
async function heldCaller(name: string) {
  const identity = await stage.bound(name);
  const from = addressOf(await stage.cluster.pod({ name, label: name }));
  const answer = nmi.send({ from });
  await expect.poll(() => nmi.waitingCallers()).toBeGreaterThan(0);
  await expect.poll(() => nmi.failedImdsCalls()).toBe(1);
  return { identity, answer };
}

it('callers who wait for an assignment are told to ask again before their connections are cut', async () => {
  const { answer } = await heldCaller('never');
  const drained = drain(nmi.server, nmi.agent, clock);
  await clock.advance(8_000);
  await expect(answer).resolves.toMatchObject({
    status: 503,
    headers: { 'retry-after': expect.any(String), connection: 'close' },
    body: { error_description: expect.stringContaining('is not assigned to its node yet') },
  });
  await drained;
});

it('an assignment that comes meanwhile is served at once', async () => {
  const { identity, answer } = await heldCaller('late');
  const drained = drain(nmi.server, nmi.agent, clock);
  stage.attach(identity);
  await stage.record({ pod: 'late', identity: 'late', state: 'Assigned' });
  await expect(answer).resolves.toMatchObject({ status: 200, body: { client_id: identity.clientId } });
  await drained;
});
