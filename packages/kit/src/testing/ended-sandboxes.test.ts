import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type ServerHttp2Session } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { removeEndedSandboxes, removeUnused } from './ended-sandboxes.ts';
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

test('when the first look fails, no connection to the runtime stays open', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ended-sandboxes-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const socket = join(folder, 'runtime.sock');
  const server = createServer();
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200, 'grpc-status': '12' }, { endStream: true });
  });
  const connected = once(server, 'session') as Promise<[ServerHttp2Session]>;
  server.listen(socket);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const refused = removeEndedSandboxes(() => Promise.resolve(socket));
  const [session] = await connected;
  onTestFinished(() => session.destroy());
  const closed = once(session, 'close', { signal: AbortSignal.timeout(10_000) });
  await expect(refused).rejects.toThrow('failed with status 12');
  await closed;
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
