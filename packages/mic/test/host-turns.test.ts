import { expect, test } from 'vitest';
import { createHostScene } from './host-scene.ts';

test('each new leader goes on with the budget that the last one left', async () => {
  await using scene = await createHostScene();
  for (let count = 0; count < 6; count += 1) {
    const name = `id-${count}`;
    scene.create(name);
    scene.addPods({ namespace: `team-${count}`, names: [name] });
    await scene.run(1_000);
  }
  for (let count = 6; count < 18; count += 1) {
    await scene.replaceLeader();
    const name = `id-${count}`;
    scene.create(name);
    scene.addPods({ namespace: `team-${count}`, names: [name] });
    await scene.run(1_000);
  }
  expect(scene.minutes()).toBeLessThan(2);
  expect(scene.patches()).toBeLessThanOrEqual(8 + 3 * scene.minutes());
});
