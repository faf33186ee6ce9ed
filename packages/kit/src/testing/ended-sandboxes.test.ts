import { expect, test } from 'vitest';
import { removeUnused } from './ended-sandboxes.ts';
import { field, fieldsOf } from './protobuf-fields.ts';

test('of the sandboxes that are not ready, those without containers are removed', async () => {
  const removed: string[] = [];
  await removeUnused({
    endedSandboxes: () => Promise.resolve(['deleted', 'completed']),
    sandboxesInUse: () => Promise.resolve(new Set(['completed', 'running'])),
    removeSandbox: (id) => Promise.resolve(removed.push(id)).then(() => undefined),
  });
  expect(removed).toEqual(['deleted']);
});

test('fields of messages, among others and longer than 127 bytes', () => {
  const long = Buffer.from('x'.repeat(300));
  const message = Buffer.concat([
    field(3, 1),
    field(1, Buffer.from('first')),
    field(2, Buffer.from('other')),
    Buffer.from([0x0a, 0xac, 0x02]),
    long,
    Buffer.from([0x20, 0x80, 0x01]),
  ]);
  expect(fieldsOf(message, 1)).toEqual([Buffer.from('first'), long]);
  expect(fieldsOf(message, 5)).toEqual([]);
  expect(() => fieldsOf(Buffer.from([0x0d, 0, 0, 0, 0]), 1)).toThrow('wire type 5');
});
