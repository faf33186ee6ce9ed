import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import { createMetricsRoute } from './metrics-route.ts';

test('the text of metrics is created at most once a second, for any number of callers and after failures', async () => {
  const clock = createFakeClock();
  let made = 0;
  const route = createMetricsRoute(() => {
    made += 1;
    return made === 2 ? Promise.reject(new Error('broken')) : Promise.resolve(`made ${made}`);
  }, clock);
  const bodies = () =>
    Promise.all([route.respond(), route.respond()].map(async (answer) => (await answer).body));
  expect(await bodies()).toEqual(['made 1', 'made 1']);
  await clock.advance(999);
  expect(await bodies()).toEqual(['made 1', 'made 1']);
  await clock.advance(1);
  await expect(bodies()).rejects.toThrow('broken');
  await expect(bodies()).rejects.toThrow('broken');
  await clock.advance(1_000);
  expect(await bodies()).toEqual(['made 3', 'made 3']);
});
