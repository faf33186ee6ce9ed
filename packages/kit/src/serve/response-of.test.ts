import { EventEmitter } from 'node:events';
import type { ClientRequest } from 'node:http';
import { expect, it } from 'vitest';
import { responseOf } from './response-of.ts';

class Waiting extends EventEmitter {
  destroyedBy: unknown;
  destroy(error: unknown) {
    this.destroyedBy = error;
  }
}
function stage(signal = new AbortController().signal) {
  const waiting = new Waiting();
  return { waiting, response: responseOf(waiting as unknown as ClientRequest, signal) };
}
const enough = new Error('enough');

it('resolves to the response, whose end is not a failure', async () => {
  const { waiting, response } = stage();
  waiting.emit('response', 'the response');
  waiting.emit('close');
  await expect(response).resolves.toBe('the response');
});

it('fails with the error of the request', async () => {
  const { waiting, response } = stage();
  waiting.emit('error', enough);
  await expect(response).rejects.toBe(enough);
});

it('fails when the connection is closed before the response', async () => {
  const { waiting, response } = stage();
  waiting.emit('close');
  await expect(response).rejects.toThrow('the connection was closed before the answer came');
});

it('fails with the reason of the signal before the request has a connection, and ends the request', async () => {
  const controller = new AbortController();
  const { waiting, response } = stage(controller.signal);
  controller.abort(enough);
  await expect(response).rejects.toBe(enough);
  expect(waiting.destroyedBy).toBe(enough);
});

it('ends a request whose signal was aborted before', async () => {
  const { waiting, response } = stage(AbortSignal.abort(enough));
  await expect(response).rejects.toBe(enough);
  expect(waiting.destroyedBy).toBe(enough);
});

it('ends the request with the signal while the response is read, and not after its end', async () => {
  const controller = new AbortController();
  const [read, over] = [stage(controller.signal), stage(controller.signal)];
  for (const { waiting } of [read, over]) waiting.emit('response', 'the response');
  over.waiting.emit('close');
  controller.abort(enough);
  await Promise.all([read.response, over.response]);
  expect([read.waiting.destroyedBy, over.waiting.destroyedBy]).toEqual([enough, undefined]);
});

it('errors of a response and its connection do not end the process, with one listener for all requests of the connection', async () => {
  const socket = new EventEmitter();
  for (const { waiting, response } of [stage(), stage()]) {
    waiting.emit('socket', socket);
    waiting.emit('response', 'the response');
    await response;
    waiting.emit('error', enough);
  }
  socket.emit('error', enough);
  expect(socket.listenerCount('error')).toBe(1);
});
