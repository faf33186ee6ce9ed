import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { whenGivenEarly } from './given-early.ts';

/** Like Node's, keeps its data until it has a socket. */
class Response extends EventEmitter {
  socket: object | null;
  writableLength = 0;
  readonly ended: unknown[][] = [];
  constructor(socket: object | null) {
    super();
    this.socket = socket;
  }
  end(...answer: unknown[]) {
    this.ended.push(answer);
    if (this.socket === null) this.writableLength = 70;
    return this;
  }
}

const stage = (socket: object | null) => {
  const response = new Response(socket);
  const counted: number[] = [];
  whenGivenEarly(response as unknown as ServerResponse, (bytes) => counted.push(bytes));
  return { response, counted };
};

it('a response that ends before its turn counts until it has its socket', () => {
  const { response, counted } = stage(null);
  expect(response.end('text', 'utf8')).toBe(response);
  expect(response.ended).toEqual([['text', 'utf8']]);
  expect(counted).toEqual([70]);
  response.emit('socket');
  expect(counted).toEqual([70, -70]);
});

it('a response that ends in its turn is not counted', () => {
  const { response, counted } = stage({});
  expect(response.end()).toBe(response);
  response.emit('socket');
  expect(response.ended).toEqual([[]]);
  expect(counted).toEqual([]);
});
