import { connect } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { createFaults } from './faults.ts';
import { createJournal } from './journal.ts';
import { startListener, type HttpHandler, type Listener } from './server.ts';

const listeners: Listener[] = [];

async function start(handle: HttpHandler) {
  const [journal, faults] = [createJournal(), createFaults()];
  const listener = await startListener({
    service: 'test',
    handle,
    journal,
    faults,
    journalBody: ({ body }) => body,
  });
  listeners.push(listener);
  return { ...listener, listener, journal, faults };
}

afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.close()));
});

/** A signal from inside of a handler. */
function signal() {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return { promise, give: () => resolve(undefined) };
}

describe('a listener', () => {
  test('passes the request as a value and sends the response', async () => {
    const { url } = await start(({ method, path, query, headers, body, remoteAddress }) => ({
      status: 201,
      headers: { 'x-a': 'b' },
      body: { method, path, x: query.getAll('x'), kind: headers['x-kind'], body, remoteAddress },
    }));
    const answer = await fetch(`${url}/a%20b//c?x=1&x=2?`, {
      method: 'POST',
      headers: { 'X-Kind': 'k' },
      body: 'é',
    });
    expect([answer.status, answer.headers.get('x-a'), answer.headers.get('content-type')]).toEqual([
      201,
      'b',
      'application/json',
    ]);
    expect(await answer.json()).toEqual({
      method: 'POST',
      path: '/a%20b//c',
      x: ['1', '2?'],
      kind: 'k',
      body: 'é',
      remoteAddress: '127.0.0.1',
    });
  });

  test('records requests and responses, without the Authorization header', async () => {
    const { url, journal } = await start(() => ({ status: 404 }));
    await fetch(`${url}/a?b=c`, {
      method: 'PUT',
      headers: { authorization: 'Bearer secret', 'user-agent': 'me' },
      body: 'x',
    });
    expect(journal.entries()).toMatchObject([
      {
        service: 'test',
        method: 'PUT',
        path: '/a',
        query: 'b=c',
        status: 404,
        outcome: 'answered',
        userAgent: 'me',
        body: 'x',
      },
    ]);
    expect(JSON.stringify(journal.entries())).not.toContain('secret');
  });

  test('sends a stream in chunks, and ends it when the client disconnects', async () => {
    const ended = signal();
    const { url } = await start(({ signal: gone }) => {
      async function* stream() {
        yield 'first\n';
        await once(gone, 'abort');
        ended.give();
      }
      return { status: 200, body: stream() };
    });
    const controller = new AbortController();
    const answer = await fetch(url, { signal: controller.signal });
    for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
      expect(chunk).toBe('first\n');
      break;
    }
    controller.abort();
    await ended.promise;
  });

  test('a stream that throws closes the connection', async () => {
    const { url } = await start(() => {
      // eslint-disable-next-line @typescript-eslint/require-await -- a stream that ends badly
      async function* stream() {
        yield 'first';
        throw new Error('broken on purpose');
      }
      return { status: 200, body: stream() };
    });
    const answer = await fetch(url);
    await expect(answer.text()).rejects.toThrow();
  });

  test('a handler that throws is reported as a bug of the simulator', async () => {
    const { url, journal } = await start(() => {
      throw new Error('a mistake');
    });
    const answer = await fetch(url);
    expect([answer.status, await answer.text()]).toEqual([500, expect.stringContaining('a mistake')]);
    expect(journal.entries()).toMatchObject([{ status: 500 }]);
  });

  test('faults replace the response, drop the request, lose the response, delay, or hang', async () => {
    let handled = 0;
    const { url, faults, journal } = await start(() => ({ status: 200, body: String((handled += 1)) }));
    const match = {};
    faults.add({
      match,
      times: 1,
      then: { status: 429, headers: { 'retry-after': '7' }, body: { error: 'slow' } },
    });
    const throttled = await fetch(url);
    expect([throttled.status, throttled.headers.get('retry-after'), await throttled.json()]).toEqual([
      429,
      '7',
      { error: 'slow' },
    ]);
    faults.add({ match, times: 1, then: { drop: true } });
    await expect(fetch(url)).rejects.toThrow();
    expect(handled).toBe(0);
    faults.add({ match, times: 1, then: { loseAnswer: true } });
    await expect(fetch(url)).rejects.toThrow();
    expect(handled).toBe(1);
    faults.add({ match, times: 1, then: { delayMs: 1 } });
    expect(await (await fetch(url)).text()).toBe('2');
    const mark = journal.mark();
    faults.add({ match, times: 1, then: { hang: true } });
    const controller = new AbortController();
    const hung = fetch(url, { signal: controller.signal });
    await journal.next({ since: mark });
    controller.abort();
    await expect(hung).rejects.toThrow();
    expect(handled).toBe(2);
    const outcomes = journal.entries().map(({ outcome }) => outcome);
    expect(outcomes).toEqual(['answered', 'dropped', 'answer-lost', 'answered', 'hung']);
  });

  test('pauses and resumes', async () => {
    const { url, listener, journal } = await start(() => ({ status: 200 }));
    listener.pause();
    const waiting = fetch(url);
    expect(journal.count()).toBe(0);
    listener.resume();
    expect((await waiting).status).toBe(200);
  });

  test('refuses connections and listens on the same port again', async () => {
    const { url, port, listener } = await start(() => ({ status: 200 }));
    await listener.stopListening();
    await listener.stopListening();
    await expect(fetch(url)).rejects.toThrow();
    await listener.startListening();
    expect(listener.port).toBe(port);
    expect((await fetch(url)).status).toBe(200);
  });

  test('ends open connections when it closes', async () => {
    const arrived = signal();
    const { url, port, listener } = await start(async ({ signal: gone }) => {
      arrived.give();
      await once(gone, 'abort');
      return { status: 200 };
    });
    const idle = connect(port, '127.0.0.1');
    await once(idle, 'connect');
    const pending = expect(fetch(url)).rejects.toThrow();
    await arrived.promise;
    await Promise.all([listener.close(), once(idle.resume(), 'close'), pending]);
  });
});
