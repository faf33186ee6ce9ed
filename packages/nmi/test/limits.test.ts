import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, describe, expect, it } from 'vitest';
import type { LimitEffect } from '@pod-identity/kit/core';
import { startServer, type RunningServer, type ServerOptions } from '../src/server/server.ts';
import type { OutboundResponse } from '../src/request/wire.ts';

const hostile = '127.66.0.1';
const quiet = '127.77.0.1';
const ask = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
const fine: OutboundResponse = { status: 200, headers: { 'Content-Length': '2' }, body: 'ok' };

const servers: RunningServer[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => server.close(0)));
});

/** A listener that answers at once, and whom it answered in which order. */
const stage = async (over: Partial<ServerOptions> = {}) => {
  const clock = createFakeClock();
  const answered: string[] = [];
  const effects: LimitEffect[] = [];
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    clock,
    requestsPerSecond: 1,
    app: {
      respond: ({ peer }) => {
        answered.push(peer);
        return Promise.resolve(fine);
      },
    },
    onLimited: (effect) => effects.push(effect),
    ...over,
  });
  servers.push(server);
  return { clock, answered, effects, server, port: server.port };
};

interface Client {
  readonly socket: Socket;
  readonly text: () => string;
  readonly closed: Promise<string>;
  /** Resolves when so many answers have come in all. */
  answers(count: number): Promise<void>;
}

const open = async (port: number, localAddress: string): Promise<Client> => {
  const socket = connect({ host: '127.0.0.1', port, localAddress });
  sockets.push(socket);
  let text = '';
  const looks = new Set<() => void>();
  socket.setEncoding('latin1').on('data', (part: string) => {
    text += part;
    for (const look of looks) look();
  });
  socket.on('error', () => undefined);
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(text)));
  await Promise.race([once(socket, 'connect'), closed]);
  const answers = (count: number) =>
    new Promise<void>((resolve) => {
      const look = () => text.split('HTTP/1.1 ').length > count && resolve();
      looks.add(look);
      look();
    });
  return { socket, closed, answers, text: () => text };
};

const send = ({ socket }: Client, text: string) =>
  new Promise<void>((resolve) => void socket.write(text, () => resolve()));

/** Four at once, as many as may be unanswered. */
const askMany = async (client: Client, requests: number) => {
  for (let sent = 4; sent <= requests; sent += 4) {
    await send(client, ask.repeat(4));
    await client.answers(sent);
  }
};

/** The answer to one request of its own. When it is here, all that was sent before it has reached the listener. */
const once200 = async (port: number, from = quiet) => {
  const client = await open(port, from);
  await send(client, ask);
  await client.answers(1);
  return client.text();
};

const count = (all: readonly string[], one: string) => all.filter((each) => each === one).length;

describe('a caller that asks too often', () => {
  it('is refused with 429 and the time to wait, while another one’s requests are answered as they come', async () => {
    const { port, answered, clock, effects } = await stage();
    const client = await open(port, hostile);
    // As many as the burst: the first is paid with the connection.
    await askMany(client, 4);
    await send(client, ask);
    await client.answers(5);
    await send(client, ask);
    const text = await client.closed;
    expect(text.match(/HTTP\/1.1 429/g)).toHaveLength(1);
    expect(text).toMatch(/Retry-After: \d+/);
    expect(text).toContain('--pod-requests-per-second');
    const next = await open(port, hostile);
    expect(await next.closed).toMatch(/^HTTP\/1.1 429 .*--pod-requests-per-second/s);
    for (let index = 0; index < 20; index += 1)
      expect(await once200(port, `127.77.0.${index + 1}`)).toContain('200 OK');
    expect(count(answered, hostile)).toBe(5);
    expect(effects).toEqual(['refused', 'turned-away']);
    await clock.advance(2_000);
    expect(await once200(port, hostile)).toContain('200 OK');
  });

  it('a program of the node itself asks for many pods, and is not held', async () => {
    const { port, answered, effects } = await stage();
    for (let index = 0; index < 20; index += 1) await once200(port, '127.0.0.1');
    expect(count(answered, '127.0.0.1')).toBe(20);
    expect(effects).toEqual([]);
  });

  it('nobody is held when no rate is set', async () => {
    const { port, answered } = await stage({ requestsPerSecond: 0 });
    const client = await open(port, hostile);
    await askMany(client, 1_000);
    expect(count(answered, hostile)).toBe(1_000);
  });
});

describe('a caller that pipelines', () => {
  it('has its connection closed with the fifth unanswered request, and those that wait are told', async () => {
    const gone: string[] = [];
    const left = Promise.withResolvers<undefined>();
    const { port, effects, answered } = await stage({
      requestsPerSecond: 100,
      app: {
        respond: async (request) => {
          if (request.peer === quiet) return fine;
          answered.push(request.peer);
          await once(request.gone, 'abort');
          if (gone.push(request.target) === 4) left.resolve(undefined);
          return fine;
        },
      },
    });
    const client = await open(port, hostile);
    await send(client, ask.repeat(4));
    expect(await once200(port)).toContain('200 OK');
    expect(effects).toEqual([]);
    await send(client, ask.repeat(100));
    expect(await client.closed).toBe('');
    expect(effects).toEqual(['pipelined']);
    expect(count(answered, hostile)).toBe(4);
    await left.promise;
  });
});

describe('W-S12: connections that send nothing', () => {
  const openMany = async (port: number, from: (index: number) => string) => {
    const all: Client[] = [];
    for (let index = 0; index < 10_000; index += 1) {
      const client = open(port, from(index));
      // The kernel queues a few hundred connections that have not been taken yet.
      if (index % 100 === 99) await client;
      void client.then((one) => {
        all.push(one);
        if (!one.socket.destroyed) one.socket.write('GET / HT');
      });
    }
    return all;
  };

  it('10,000 of them, from ten pods, leave another pod served', async () => {
    const { port, effects } = await stage({ requestsPerSecond: 100 });
    const all = await openMany(port, (index) => `127.66.1.${(index % 10) + 1}`);
    for (let index = 0; index < 20; index += 1) {
      expect(await once200(port, `127.77.0.${index + 1}`)).toContain('200 OK');
    }
    expect(effects).toContain('turned-away');
    expect(all.filter(({ socket }) => !socket.destroyed).length).toBeGreaterThan(600);
    expect(all.filter(({ socket }) => !socket.destroyed).length).toBeLessThanOrEqual(640);
  });

  it('a connection that waits for its answer is not the one that goes', async () => {
    const answer = Promise.withResolvers<OutboundResponse>();
    const arrived = Promise.withResolvers<undefined>();
    const { port } = await stage({
      connections: 2,
      app: {
        respond: ({ peer }) => {
          if (peer !== hostile) return Promise.resolve(fine);
          arrived.resolve(undefined);
          return answer.promise;
        },
      },
    });
    const waiting = await open(port, hostile);
    await send(waiting, ask);
    await arrived.promise;
    const idle = await open(port, hostile);
    expect(await once200(port)).toContain('200 OK');
    await idle.closed;
    answer.resolve(fine);
    await waiting.answers(1);
  });
});

describe('a request with a body', () => {
  it.each([
    ['a small one is read past', `Content-Length: 5\r\n\r\nhello`, '200 OK'],
    [
      'a large one is refused before it comes',
      `Content-Length: 100000000\r\n\r\n`,
      '400 The request has a body',
    ],
    ['chunks are read past', `Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`, '200 OK'],
  ])('%s', async (_, rest, status) => {
    const { port } = await stage();
    const client = await open(port, quiet);
    await send(client, `GET / HTTP/1.1\r\nHost: x\r\n${rest}`);
    await client.answers(1);
    expect(client.text()).toContain(status);
  });

  it('endless chunks are cut off', async () => {
    const { port } = await stage({ app: { respond: () => new Promise(() => undefined) } });
    const client = await open(port, quiet);
    await send(client, 'GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = `1000\r\n${'x'.repeat(0x1000)}\r\n`;
    for (let index = 0; index < 8 && !client.socket.destroyed; index += 1) client.socket.write(chunk);
    expect(await client.closed).toBe('');
  });
});
