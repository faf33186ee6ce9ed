// With the timers of Node.js itself, which fire before their time: a fake clock never shows that.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { addressOf, startStage, type Stage } from './harness.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await startStage();
});
afterEach(() => stage.stop());

it('an identity that is attached while a request waits reaches it, though nothing else happens in the cluster and nobody writes records', async () => {
  const names = Array.from({ length: 8 }, (_, at) => `late-${at}`);
  const pods = [];
  for (const name of names) {
    const identity = await stage.bound(name);
    pods.push({ identity, from: addressOf(await stage.cluster.pod({ name, label: name })) });
  }
  const nmi = await stage.nmi();
  await expect.poll(() => nmi.agent.readiness.hasSynced()).toBe(true);
  const answers = [];
  // One at a time: what a request learns would wake the others.
  for (const { identity, from } of pods) {
    const before = await nmi.failedImdsCalls();
    const answer = nmi.send({ from });
    await expect.poll(() => nmi.failedImdsCalls()).toBeGreaterThan(before);
    stage.attach(identity);
    answers.push((await answer).body['client_id']);
  }
  expect(answers).toEqual(pods.map(({ identity }) => identity.clientId));
});
