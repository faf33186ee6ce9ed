import { expect, it } from 'vitest';
import { jsonChunks } from './json-chunks.ts';

async function* received(count: number) {
  for (let at = 0; at < count; at += 1) yield await Promise.resolve(Buffer.from('{}'));
}

it('attack: while a list of hundreds of megabytes is read, others get a turn of the event loop after each chunk', async () => {
  let [turns, chunks, isOver] = [0, 0, false];
  const turn = () => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  for await (const chunk of jsonChunks(received(32))) if (chunk.length > 0) chunks += 1;
  isOver = true;
  expect(chunks).toBe(32);
  expect(turns).toBeGreaterThanOrEqual(31);
});
