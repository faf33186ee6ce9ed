// NMI keeps its connections to the metadata service: what may happen to one that is idle must not be seen by any caller.
import { getEventListeners, once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createImdsClient } from '@pod-identity/imds-client';
import { afterEach, expect, it } from 'vitest';
import { createMetadataService } from './metadata-service.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const usual = {
  status: '200 OK',
  keepAlive: 'timeout=60',
  type: 'application/json; charset=utf-8',
  more: '',
};
const answer = (token: string, unusual: Partial<typeof usual> = {}) => {
  const { status, keepAlive, type, more } = { ...usual, ...unusual };
  const body = JSON.stringify({ access_token: token, expires_in: '3600' });
  const headers = `Content-Type: ${type}\r\nContent-Length: ${body.length}\r\nKeep-Alive: ${keepAlive}${more}`;
  return `HTTP/1.1 ${status}\r\n${headers}\r\n\r\n${body}`;
};

interface Question {
  readonly socket: Socket;
  readonly text: string;
  /** Of all questions, and of those over its connection, from 1. */
  readonly count: number;
  readonly countOfConnection: number;
}

/** A metadata service whose connections stay open, and a client of it; answers the number of its connections. */
async function stage(serve: (question: Question) => void) {
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    let countOfConnection = 0;
    socket
      .on('error', () => undefined)
      .on('data', (data) => {
        count += 1;
        countOfConnection += 1;
        serve({ socket, text: data.toString(), count, countOfConnection });
      });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const metadata = createMetadataService(endpoint);
  const imds = createImdsClient({ endpoint, cache: false, maxRetries: 0, transport: metadata.fetch });
  closing.push(async () => {
    metadata.close();
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return {
    ask: async (resource = 'r') => (await imds.getToken({ resource })).token,
    askFor: async (clientId: string, resource = 'r') =>
      (await imds.getToken({ resource, identity: { clientId } })).token,
    requested: () => count,
    connections: () => sockets.size,
    get: (signal: AbortSignal) => metadata.get('/metadata/versions', { signal }),
    close: () => metadata.close(),
    open: () => [...sockets].filter(({ closed }) => !closed).length,
  };
}

it('a question names the path alone, the host, and the header that the service wants', async () => {
  const texts: string[] = [];
  const { ask } = await stage(({ socket, text }) => {
    texts.push(text);
    socket.write(answer('t'));
  });
  await ask();
  const path = '/metadata/identity/oauth2/token?api-version=2018-02-01&resource=r';
  expect(texts[0]).toMatch(/^GET \S+ HTTP\/1.1\r\nHost: 127.0.0.1:\d+\r\nMetadata: true\r\n/);
  expect(texts[0]).toContain(` ${path} `);
});

it('when the service wants to be asked again is passed on', async () => {
  const { ask } = await stage(({ socket }) =>
    socket.write(answer('t', { status: '429 Too Many Requests', more: '\r\nRetry-After: 7' })),
  );
  await expect(ask()).rejects.toMatchObject({ status: 429, retryAfterMs: 7_000 });
});

it('a question ends with its signal, and its connection with it', async () => {
  const { promise: isAsked, resolve } = Promise.withResolvers<Socket>();
  const { get } = await stage(({ socket }) => resolve(socket));
  const controller = new AbortController();
  const got = get(controller.signal);
  const socket = await isAsked;
  controller.abort();
  await expect(got).rejects.toThrow('This operation was aborted');
  if (!socket.closed) await once(socket, 'close');
});

it('a question whose signal was aborted before is not asked', async () => {
  const { get, requested } = await stage(({ socket }) => socket.write(answer('t')));
  await expect(get(AbortSignal.abort())).rejects.toThrow('This operation was aborted');
  expect(requested()).toBe(0);
});

it('an answer that was read leaves nothing at the signal', async () => {
  const { get } = await stage(({ socket }) => socket.write(answer('t')));
  const { signal } = new AbortController();
  const got = await get(signal);
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  await once(got.resume(), 'close');
  await expect
    .poll(() => getEventListeners(signal, 'abort'), { timeout: 10_000, message: 'listeners at the signal' })
    .toHaveLength(0);
});

it('an answer that leaves HTTP is none', async () => {
  const { ask } = await stage(({ socket }) =>
    socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
  );
  await expect(ask()).rejects.toMatchObject({ code: 'unavailable' });
});

it('questions one after another go over one connection', async () => {
  const { ask, connections } = await stage(({ socket, count }) => socket.write(answer(`t${count}`)));
  expect([await ask(), await ask(), await ask()]).toEqual(['t1', 't2', 't3']);
  expect(connections()).toBe(1);
});

it('a question over a kept connection that the service has closed is asked again, over a new one', async () => {
  const { ask, requested, connections } = await stage(({ socket, count, countOfConnection }) => {
    if (countOfConnection > 1) socket.resetAndDestroy();
    else socket.write(answer(`t${count}`));
  });
  expect(await ask()).toBe('t1');
  expect(await ask()).toBe('t3');
  expect([requested(), connections()]).toEqual([3, 2]);
});

it('a question that a new connection fails is not asked again', async () => {
  const { ask, requested } = await stage(({ socket }) => socket.resetAndDestroy());
  await expect(ask()).rejects.toMatchObject({ code: 'unavailable' });
  expect(requested()).toBe(1);
});

it('a question is asked twice at most, however many kept connections are broken', async () => {
  let isBroken = false;
  const { ask, requested } = await stage(({ socket }) => {
    if (isBroken) socket.resetAndDestroy();
    else socket.write(answer('t'));
  });
  await Promise.all(['a', 'b', 'c'].map(ask));
  isBroken = true;
  await expect(ask()).rejects.toMatchObject({ code: 'unavailable' });
  expect(requested()).toBe(5);
});

it('what the service sends unasked over a kept connection ends it, and is not the next answer', async () => {
  const used: Socket[] = [];
  const { ask, open } = await stage(({ socket, count }) => {
    used.push(socket);
    socket.write(answer(`t${count}`));
  });
  expect(await ask()).toBe('t1');
  used[0]?.write(answer('of another pod'));
  await expect.poll(open, { message: 'connections that are open' }).toBe(0);
  expect(await ask()).toBe('t2');
});

it('what the service sends unasked when the next question is sent already is no answer about another identity', async () => {
  const { askFor, connections } = await stage(({ socket, count, countOfConnection }) =>
    socket.write(answer(countOfConnection === 1 ? `t${count}` : 'of another identity')),
  );
  expect([await askFor('a'), await askFor('b')]).toEqual(['t1', 't2']);
  expect(connections()).toBe(2);
});

it('of connections for many identities the five are kept that were used last', async () => {
  const { askFor, connections, open } = await stage(({ socket, count }) => socket.write(answer(`t${count}`)));
  for (const identity of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) await askFor(identity);
  await expect.poll(open, { message: 'connections that are open' }).toBe(5);
  await askFor('c');
  expect(connections()).toBe(7);
  await askFor('b');
  expect(connections()).toBe(8);
});

it('of several connections for one identity and others, the one is closed first that was idle for the longest time', async () => {
  const { askFor, connections } = await stage(({ socket, count }) => socket.write(answer(`t${count}`)));
  await Promise.all([askFor('a', 'r1'), askFor('a', 'r2')]);
  for (const identity of ['b', 'c', 'd']) await askFor(identity);
  for (const identity of ['a', 'e', 'f']) await askFor(identity);
  expect(connections()).toBe(7);
  await askFor('a');
  expect(connections()).toBe(7);
});

it('a connection that the service has closed takes no place of those that are kept', async () => {
  const used: Socket[] = [];
  const { askFor, connections } = await stage(({ socket, count }) => {
    used.push(socket);
    socket.write(answer(`t${count}`));
  });
  for (const identity of ['a', 'b', 'c', 'd', 'e']) await askFor(identity);
  const [newest] = used.slice(-1);
  if (!newest) throw new Error('no connection was used');
  newest.end();
  if (!newest.closed) await once(newest, 'close');
  await askFor('f');
  await askFor('a');
  expect(connections()).toBe(6);
});

it('closing it ends a question that is asked again', async () => {
  const { promise: asksAgain, resolve } = Promise.withResolvers<undefined>();
  const { ask, close } = await stage(({ socket, count, countOfConnection }) => {
    if (count === 1) socket.write(answer('t'));
    else if (countOfConnection > 1) socket.resetAndDestroy();
    else resolve(undefined);
  });
  await ask();
  const requested = ask();
  await asksAgain;
  close();
  await expect(requested).rejects.toMatchObject({ code: 'unavailable' });
});

it('a question that is ended by closing it is not asked again', async () => {
  const { promise: isAsked, resolve } = Promise.withResolvers<undefined>();
  const { ask, requested, close } = await stage(({ socket, count }) => {
    if (count === 1) socket.write(answer('t'));
    else resolve(undefined);
  });
  await ask();
  const second = ask();
  await isAsked;
  close();
  await expect(second).rejects.toMatchObject({ code: 'unavailable' });
  expect(requested()).toBe(2);
});

it('a connection over which anything but a token was answered is not kept', async () => {
  const { ask, connections } = await stage(({ socket }) =>
    socket.write(answer('t', { status: '429 Too Many Requests' })),
  );
  for (let count = 0; count < 2; count += 1) await expect(ask()).rejects.toMatchObject({ status: 429 });
  expect(connections()).toBe(2);
});

it('a connection over which another kind of answer came is not kept', async () => {
  const { ask, connections } = await stage(({ socket, count }) =>
    socket.write(answer(`t${count}`, { type: 'text/html' })),
  );
  expect([await ask(), await ask()]).toEqual(['t1', 't2']);
  expect(connections()).toBe(2);
});

it('an answer that does not say what it is gets through, and its connection is not kept', async () => {
  const { ask, connections } = await stage(({ socket, count }) =>
    socket.write(answer(`t${count}`).replace(/Content-Type: .*\r\n/, '')),
  );
  expect([await ask(), await ask()]).toEqual(['t1', 't2']);
  expect(connections()).toBe(2);
});

it('a connection that the service says it closes within a second is not kept', async () => {
  const { ask, connections } = await stage(({ socket, count }) =>
    socket.write(answer(`t${count}`, { keepAlive: 'timeout=1' })),
  );
  expect([await ask(), await ask()]).toEqual(['t1', 't2']);
  expect(connections()).toBe(2);
});
