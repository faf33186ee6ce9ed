import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { JsonItems } from './json-items.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function bytesInUse(): number {
  collectGarbage();
  return getHeapStatistics().used_heap_size;
}

test('attack: ten pods of nine megabytes that are read at once do not fill the heap of 64 MiB that NMI and the broker have', () => {
  const piece = Buffer.from(String.raw`\u003c`.repeat(10_000));
  const before = bytesInUse();
  const readers = Array.from({ length: 10 }, () => new JsonItems({}));
  for (const reader of readers) {
    reader.push(Buffer.from('{"a":"'));
    for (let pushed = 0; pushed < 150; pushed += 1) reader.push(piece);
  }
  expect(bytesInUse() - before).toBeLessThan(8 * 1024 * 1024);
  for (const reader of readers) {
    expect(reader.end()).toBeUndefined();
    reader.push(Buffer.from('"}'));
    expect(reader.end()).toEqual({ a: '<'.repeat(1_500_000) });
  }
});
