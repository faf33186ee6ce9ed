import { setImmediate as nextTurn } from 'node:timers/promises';
import { notJson } from './json-items.ts';

/**
 * The chunks of an answer, only of JSON: another body may be endless, and its chunks would feed the watchdog. One in each turn of the event
 * loop: Node.js reads up to 2 MiB of a connection in one turn, and to read so many objects can take more than half a second.
 */
export async function* jsonChunks(response: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let isBegun = false;
  for await (const chunk of response) {
    if (isBegun) await nextTurn();
    const first = isBegun ? undefined : /\S/.exec(chunk.toString('latin1', 0, 64))?.[0];
    if (!isBegun && first !== '{') throw notJson();
    isBegun = true;
    yield chunk;
  }
}
