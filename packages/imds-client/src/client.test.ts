import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import manifest from '../package.json' with { type: 'json' };
import { createImdsClient } from './client.ts';
import { ImdsError } from './errors.ts';
import type { FetchLike, Identity, ImdsClientOptions } from './types.ts';

interface Reply {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  /** The connection is closed instead. */
  readonly drop?: boolean;
}

const resource = 'https://vault.azure.net';
const requests: IncomingMessage[] = [];
/** The endpoint's responses, in turn; the last one is repeated. */
let replies: Reply[] = [];
let waits: number[] = [];
let now = 0;

const server = createServer((request, response) => {
  requests.push(request);
  const reply = (replies.length > 1 ? replies.shift() : replies[0]) ?? {};
  if (reply.drop === true) {
    request.socket.destroy();
    return;
  }
  const body = reply.body ?? { access_token: `token ${requests.length}`, expires_in: '3600', resource };
  response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
});

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));
beforeEach(() => {
  requests.length = 0;
  [replies, waits, now] = [[], [], 1_700_000_000_000];
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const endpoint = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** A client without real waits. */
function createClient(options: ImdsClientOptions = {}) {
  return createImdsClient({
    endpoint: endpoint(),
    ...options,
    testing: {
      clock: {
        now: () => now,
        sleep: (ms) => {
          waits.push(ms);
          return Promise.resolve();
        },
      },
      random: () => 0,
      ...options.testing,
    },
  });
}

describe('a request', () => {
  test('is exactly what IMDS documents', async () => {
    await createClient().getToken({ resource, identity: { clientId: 'c' } });
    expect(requests.map(({ method, url, headers }) => [method, url, headers['metadata']])).toEqual([
      [
        'GET',
        '/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net&client_id=c',
        'true',
      ],
    ]);
    expect(requests[0]!.headers['x-forwarded-for']).toBeUndefined();
    expect(requests[0]!.headers['user-agent']).toBe(`pod-identity-imds-client/${manifest.version}`);
  });

  test('has the api-version of the options', async () => {
    await createClient({ apiVersion: '2019-08-01' }).getToken({ resource });
    expect(requests[0]!.url).toContain('?api-version=2019-08-01&');
  });

  test('goes where AZURE_POD_IDENTITY_AUTHORITY_HOST says, as it was when the client was made', async () => {
    vi.stubEnv('AZURE_POD_IDENTITY_AUTHORITY_HOST', `${endpoint()}/`);
    const client = createImdsClient();
    vi.stubEnv('AZURE_POD_IDENTITY_AUTHORITY_HOST', 'http://127.0.0.1:1');
    await client.getToken({ resource });
    expect(requests[0]!.url).toMatch(/^\/metadata\/identity/);
  });

  test.each([undefined, ''])('goes to the address of IMDS when that variable is %j', async (value) => {
    vi.stubEnv('AZURE_POD_IDENTITY_AUTHORITY_HOST', value);
    const urls: string[] = [];
    const fetch: FetchLike = (url) => {
      urls.push(url);
      return Promise.resolve(new Response('', { status: 400 }));
    };
    await expect(createImdsClient({ transport: fetch }).getToken({ resource })).rejects.toBeInstanceOf(
      ImdsError,
    );
    expect(urls[0]).toMatch(/^http:\/\/169\.254\.169\.254\/metadata\//);
  });

  test('follows no redirect', async () => {
    replies = [{ status: 302, headers: { location: '/elsewhere' } }];
    await expect(createClient().getToken({ resource })).rejects.toMatchObject({
      code: 'invalid-response',
      status: 302,
    });
    expect(requests).toHaveLength(1);
  });
});

describe('a token', () => {
  test('comes with its times in milliseconds', async () => {
    expect(await createClient().getToken({ resource })).toEqual({
      token: 'token 1',
      expiresOnTimestamp: now + 3_600_000,
      tokenType: 'Bearer',
      resource,
    });
  });

  test('is requested once for 200 concurrent callers, and then not again', async () => {
    const client = createClient();
    const tokens = await Promise.all(Array.from({ length: 200 }, () => client.getToken({ resource })));
    expect(new Set(tokens.map(({ token }) => token))).toEqual(new Set(['token 1']));
    await client.getToken({ resource });
    expect(requests).toHaveLength(1);
  });

  test('is requested again past the cache, and then replaces the cached one', async () => {
    const client = createClient();
    await client.getToken({ resource });
    expect(await client.getToken({ resource, bypassCache: true })).toMatchObject({ token: 'token 2' });
    expect(await client.getToken({ resource })).toMatchObject({ token: 'token 2' });
  });

  test('is not kept without a cache, but concurrent callers still share one request', async () => {
    const client = createClient({ cache: false });
    await Promise.all([client.getToken({ resource }), client.getToken({ resource })]);
    expect(requests).toHaveLength(1);
    await client.getToken({ resource });
    expect(requests).toHaveLength(2);
  });

  test('that was used least recently is evicted when there are too many', async () => {
    const client = createClient({ maxCacheEntries: 1 });
    await client.getToken({ resource });
    await client.getToken({ resource: 'other' });
    await client.getToken({ resource });
    expect(requests).toHaveLength(3);
  });
});

describe('a failure', () => {
  test.each([404, 408, 410, 429, 500, 503])('of status %i is tried again', async (status) => {
    replies = [{ status }, {}];
    expect(await createClient().getToken({ resource })).toMatchObject({ token: 'token 2' });
    expect(waits).toEqual([status === 410 ? 5000 : 2000]);
  });

  test.each([400, 401, 403, 405])('of status %i is not', async (status) => {
    replies = [{ status, body: { error: 'invalid_request', error_description: 'x' } }];
    await expect(createClient().getToken({ resource })).rejects.toMatchObject({
      status,
      serviceCode: 'invalid_request',
    });
    expect([requests.length, waits]).toEqual([1, []]);
  });

  test('is retried four times, then returned to the caller', async () => {
    replies = [{ status: 503, headers: { 'retry-after': '3' } }];
    await expect(createClient().getToken({ resource })).rejects.toMatchObject({
      name: 'ImdsError',
      code: 'unavailable',
      status: 503,
      retryAfterMs: 3000,
      retryable: true,
    });
    expect([requests.length, waits]).toEqual([5, [3000, 3000, 3000, 3000]]);
  });

  test('is returned at once without retries', async () => {
    replies = [{ status: 503 }];
    await expect(createClient({ maxRetries: 0 }).getToken({ resource })).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(requests).toHaveLength(1);
  });

  test('of the connection is tried again', async () => {
    replies = [{ drop: true }, {}];
    expect(await createClient().getToken({ resource })).toMatchObject({ token: 'token 2' });
  });

  test('of the connection names the endpoint and keeps the cause', async () => {
    replies = [{ drop: true }];
    const error: unknown = await createClient({ maxRetries: 0 })
      .getToken({ resource })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'unavailable',
      message: `${endpoint()} cannot be reached: ECONNRESET, the connection was closed before the response was complete (resource ${resource}, default identity)`,
      status: undefined,
    });
    expect((error as ImdsError).cause).toBeInstanceOf(Error);
  });

  test('is not kept: the next caller asks again', async () => {
    replies = [{ status: 400 }, {}];
    const client = createClient();
    await expect(client.getToken({ resource })).rejects.toBeInstanceOf(ImdsError);
    expect(await client.getToken({ resource })).toMatchObject({ token: 'token 2' });
  });

  test('to respond in time is a timeout', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const client = createClient({ transport: hang, maxRetries: 1, requestTimeoutMs: 5000 });
    const failing = expect(client.getToken({ resource })).rejects.toMatchObject({
      code: 'timeout',
      name: 'TimeoutError',
      reason: `${endpoint()} did not answer within 5000 ms`,
      resource,
      retryable: true,
    });
    await vi.advanceTimersByTimeAsync(10_000);
    await failing;
    expect(waits).toEqual([2000]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the deadline', () => {
  test('and an abort are told to the transport as what they are', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const signals: AbortSignal[] = [];
    const transport: FetchLike = (_, { signal }) => {
      signals.push(signal);
      return new Promise(() => undefined);
    };
    const client = createClient({ transport, deadlineMs: 1000 });
    const controller = new AbortController();
    const late = client.getToken({ resource: 'a' });
    const given = client.getToken({ resource: 'b', abortSignal: controller.signal });
    const ended = Promise.allSettled([late, given]);
    await vi.advanceTimersByTimeAsync(0);
    controller.abort();
    await vi.advanceTimersByTimeAsync(1000);
    await ended;
    expect(signals.map((signal) => (signal.reason as ImdsError).code)).toEqual(['timeout', 'aborted']);
  });

  test('ends a call whose endpoint hangs, even if the transport ignores its signal', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const client = createClient({ transport: () => new Promise(() => undefined), deadlineMs: 45_000 });
    const failing = expect(client.getToken({ resource })).rejects.toMatchObject({
      code: 'timeout',
      name: 'TimeoutError',
      message: `${endpoint()} gave no usable response within 45000 ms; the last attempt: ${endpoint()} did not answer within 40000 ms (resource ${resource}, default identity)`,
    });
    await vi.advanceTimersByTimeAsync(45_000);
    await failing;
    expect(vi.getTimerCount()).toBe(0);
  });

  test('that ends the first try names what was asked for, too', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const client = createClient({ transport: hang, deadlineMs: 5_000 });
    const failing = expect(client.getToken({ resource, identity: { clientId: 'c' } })).rejects.toMatchObject({
      message: `${endpoint()} did not answer within 5000 ms (resource ${resource}, client id c)`,
    });
    await vi.advanceTimersByTimeAsync(5_000);
    await failing;
  });

  test('is 90 seconds by default', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const client = createClient({ transport: hang });
    const failing = expect(client.getToken({ resource })).rejects.toMatchObject({ code: 'timeout' });
    await vi.advanceTimersByTimeAsync(90_000);
    await failing;
  });

  test('that leaves no time for another attempt ends a call at once, with the error of the last attempt', async () => {
    replies = [
      { status: 503, headers: { 'x-ms-request-id': 'id-1', 'retry-after': '2' }, body: { error: 'busy' } },
    ];
    const client = createClient({ deadlineMs: 2_100 });
    const identity = { clientId: 'c' };
    await expect(client.getToken({ resource, identity })).rejects.toMatchObject({
      code: 'unavailable',
      name: 'ImdsError',
      message: `the endpoint answered 503 busy; the deadline of 2100 ms leaves no time for another attempt (resource ${resource}, client id c)`,
      status: 503,
      serviceCode: 'busy',
      requestId: 'id-1',
      retryAfterMs: 2000,
      resource,
      identity,
    });
    expect({ requests: requests.length, waits }).toEqual({ requests: 1, waits: [] });
  });

  test('counts the waits before retries: one that is too long is not begun', async () => {
    replies = [{ status: 503 }];
    const client = createClient({
      deadlineMs: 5_000,
      testing: { clock: { now: () => now, sleep: (ms) => Promise.resolve(void (now += ms)) } },
    });
    await expect(client.getToken({ resource })).rejects.toMatchObject({ code: 'unavailable', status: 503 });
    expect(requests).toHaveLength(2);
  });
});

describe('a programming error of a transport', () => {
  test('is passed on, not retried', async () => {
    const error = new TypeError('x is not a function');
    const client = createClient({ transport: () => Promise.reject(error) });
    await expect(client.getToken({ resource })).rejects.toBe(error);
    expect(waits).toEqual([]);
  });

  const [headers, body] = [new Headers(), null];
  test.each<unknown>([
    undefined,
    null,
    {},
    { status: 200 },
    { status: '200', headers, body },
    { status: 200, headers: {}, body },
    { status: 200, headers },
  ])('that resolves with %j is named', async (response) => {
    const transport = (() => Promise.resolve(response)) as unknown as FetchLike;
    const getting = createClient({ transport }).getToken({ resource });
    await expect(getting).rejects.toThrow(/^transport must resolve with status, headers/);
    expect(waits).toEqual([]);
  });
});

describe('an abort', () => {
  test('before the call gives no token from the cache', async () => {
    const client = createClient();
    await client.getToken({ resource });
    const reason = new Error('shutting down');
    const getting = client.getToken({ resource, abortSignal: AbortSignal.abort(reason) });
    await expect(getting).rejects.toMatchObject({ code: 'aborted', name: 'AbortError', cause: reason });
  });

  test('of one caller does not end the request of the others', async () => {
    const client = createClient();
    const controller = new AbortController();
    const leaving = client.getToken({ resource, abortSignal: controller.signal });
    const staying = client.getToken({ resource });
    controller.abort();
    await expect(leaving).rejects.toMatchObject({ code: 'aborted' });
    expect(await staying).toMatchObject({ token: 'token 1' });
  });

  test('of the only caller ends the request', async () => {
    const signals: AbortSignal[] = [];
    const client = createClient({
      transport: (url, init) => {
        signals.push(init.signal);
        return hang(url, init);
      },
    });
    const controller = new AbortController();
    const leaving = client.getToken({ resource, abortSignal: controller.signal });
    await expect.poll(() => signals.length, { message: 'requests' }).toBe(1);
    controller.abort();
    await expect(leaving).rejects.toMatchObject({ code: 'aborted' });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });

  test('of the only caller ends the wait before a retry', async () => {
    replies = [{ status: 503 }];
    const controller = new AbortController();
    let isWoken = false;
    const sleep = (_: number, signal?: AbortSignal) =>
      new Promise<void>((_resolve, reject) => {
        signal?.addEventListener('abort', () => {
          isWoken = true;
          reject(new Error('woken'));
        });
        controller.abort();
      });
    const leaving = createClient({ testing: { clock: { now: () => now, sleep } } }).getToken({
      resource,
      abortSignal: controller.signal,
    });
    await expect(leaving).rejects.toMatchObject({ code: 'aborted' });
    expect([isWoken, requests.length]).toEqual([true, 1]);
  });
});

describe('a timeout that the caller set, while nobody listens,', () => {
  const refused = Object.assign(new Error('x'), { code: 'ECONNREFUSED' });
  /** A client whose wait before the retry ends by the signal alone. */
  const createWaiting = () => {
    const { promise: isWaiting, resolve } = Promise.withResolvers<undefined>();
    const sleep = (_: number, signal?: AbortSignal) =>
      new Promise<void>((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
        resolve(undefined);
      });
    const clock = { now: () => now, sleep };
    return {
      client: createClient({ transport: () => Promise.reject(refused), testing: { clock } }),
      isWaiting,
    };
  };

  test('is one, with the error of the last attempt, and may be tried again', async () => {
    const { client, isWaiting } = createWaiting();
    const controller = new AbortController();
    const getting = client.getToken({ resource, abortSignal: controller.signal });
    await isWaiting;
    controller.abort(new DOMException('late', 'TimeoutError'));
    await expect(getting).rejects.toMatchObject({
      code: 'timeout',
      name: 'TimeoutError',
      retryable: true,
      reason: `the caller gave up waiting for the response; the last attempt: ${endpoint()} cannot be reached: ECONNREFUSED, nothing listens there`,
      cause: { code: 'unavailable', cause: refused },
    });
  });

  test('before any attempt has its own reason as the cause', async () => {
    const reason = new DOMException('late', 'TimeoutError');
    const getting = createWaiting().client.getToken({ resource, abortSignal: AbortSignal.abort(reason) });
    await expect(getting).rejects.toMatchObject({ code: 'timeout', retryable: true, cause: reason });
  });

  test('or any other end of the wait says what the last attempt ended with', async () => {
    const { client, isWaiting } = createWaiting();
    const controller = new AbortController();
    const getting = client.getToken({ resource, abortSignal: controller.signal });
    await isWaiting;
    controller.abort('bored');
    await expect(getting).rejects.toMatchObject({
      code: 'aborted',
      cause: 'bored',
      reason: expect.stringContaining('ECONNREFUSED, nothing listens there') as unknown,
    });
  });
});

describe('whether the service is available', () => {
  test('is asked without the header, which the service refuses at once', async () => {
    replies = [{ status: 400, body: { error: 'invalid_request' } }];
    expect(await createClient().isAvailable()).toBe(true);
    expect(requests.map(({ url, headers }) => [url, headers['metadata']])).toEqual([
      ['/metadata/identity/oauth2/token', undefined],
    ]);
  });

  test.each<[string, Reply]>([
    ['another server answers', { status: 200, body: '<html>' }],
    ['nobody answers', { drop: true }],
  ])('is no if %s, without a retry', async (_, reply) => {
    replies = [reply];
    expect(await createClient().isAvailable()).toBe(false);
    expect(requests).toHaveLength(1);
  });

  test.each<[string, FetchLike]>([
    ['hangs', (...args) => hang(...args)],
    ['ignores its signal', () => new Promise(() => undefined)],
  ])('is no after a second if the transport %s', async (_, transport) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const client = createClient({ transport });
    const asking = Promise.all([client.isAvailable(), client.isAvailable({ timeoutMs: 1 })]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await asking).toEqual([false, false]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is not answered to a caller that aborts', async () => {
    const controller = new AbortController();
    const asking = createClient({ transport: hang }).isAvailable({ abortSignal: controller.signal });
    controller.abort('bored');
    await expect(asking).rejects.toMatchObject({ code: 'aborted', cause: 'bored' });
  });

  test('is not asked with a timeout that is none', async () => {
    await expect(createClient().isAvailable({ timeoutMs: 0 })).rejects.toThrow(TypeError);
    await expect(createClient().isAvailable({ timeoutMs: 2 ** 31 })).rejects.toThrow(TypeError);
  });

  test('is not hidden by a programming error', async () => {
    const error = new TypeError('x is not a function');
    await expect(createClient({ transport: () => Promise.reject(error) }).isAvailable()).rejects.toBe(error);
  });
});

describe('a credential of a client', () => {
  test('has the cache of the client', async () => {
    const client = createClient();
    const identity = { clientId: 'c' };
    await client.getToken({ resource, identity });
    const credential = client.createCredential({ identity });
    expect(await credential.getToken(`${resource}/.default`)).toMatchObject({ token: 'token 1' });
    expect(await client.createCredential().getToken(resource)).toMatchObject({ token: 'token 2' });
  });

  test('is not made for an identity that is none', () => {
    const client = createClient();
    expect(() => client.createCredential({ identity: {} as Identity })).toThrow(TypeError);
    expect(() => client.createCredential({ clientId: 'c' } as object)).toThrow(TypeError);
  });
});

describe('a bad argument is a TypeError', () => {
  test.each<[string, ImdsClientOptions]>([
    ['an endpoint that is no address', { endpoint: '169.254.169.254' }],
    ['a negative number of retries', { maxRetries: -1 }],
    ['a timeout of nothing', { requestTimeoutMs: 0 }],
    ['a timeout that a timer cannot wait', { requestTimeoutMs: 2 ** 31 }],
    ['a deadline that a timer cannot wait', { deadlineMs: 2 ** 31 }],
    ['a deadline that is no number', { deadlineMs: '5' as unknown as number }],
    ['a transport that is no function', { transport: 'undici' as never }],
    ['a cache without room', { maxCacheEntries: 0.5 }],
  ])('%s', (_, options) => {
    expect(() => createImdsClient(options)).toThrow(TypeError);
  });

  test('options that are no object', () => {
    expect(() => createImdsClient(5 as never)).toThrow('the options must be an object');
  });

  test('a duration is a whole number, up to the longest that a timer can wait', () => {
    const create = (deadlineMs: unknown) => () => createImdsClient({ deadlineMs: deadlineMs as number });
    expect(create(2 ** 31 - 1)).not.toThrow();
    expect(create('9999999999')).toThrow(
      'deadlineMs must be a whole number of at least 1, not string 9999999999',
    );
  });

  test('but not the lack of an environment', async () => {
    vi.stubGlobal('process', undefined);
    const urls: string[] = [];
    const transport: FetchLike = (url) => {
      urls.push(url);
      return Promise.reject(new Error('down'));
    };
    const getting = createClient({ endpoint: undefined, transport, maxRetries: 0 }).getToken({ resource });
    await expect(getting).rejects.toMatchObject({ code: 'unavailable' });
    expect(urls[0]).toMatch(/^http:\/\/169\.254\.169\.254\//);
  });

  test('a bad address in the environment is blamed on its variable', () => {
    vi.stubEnv('AZURE_POD_IDENTITY_AUTHORITY_HOST', '169.254.169.254');
    expect(() => createImdsClient()).toThrow(/^AZURE_POD_IDENTITY_AUTHORITY_HOST must be/);
  });

  test('a request for no resource or for two identities', async () => {
    await expect(createClient().getToken({ resource: '' })).rejects.toThrow(TypeError);
    const identity = { clientId: 'c', objectId: 'o' } as unknown as Identity;
    await expect(createClient().getToken({ resource, identity })).rejects.toThrow(TypeError);
    expect(requests).toHaveLength(0);
  });
});

test('an option with the value undefined counts as absent', async () => {
  const options = {
    endpoint: endpoint(),
    transport: undefined,
    maxRetries: undefined,
  } as unknown as ImdsClientOptions;
  expect(await createImdsClient(options).getToken({ resource })).toMatchObject({ token: 'token 1' });
});

test('the global fetch can be the transport', async () => {
  expect(
    await createClient({ transport: (url, init) => fetch(url, init) }).getToken({ resource }),
  ).toMatchObject({
    token: 'token 1',
  });
});

test('the default wait before a retry is a timer', async () => {
  replies = [{ status: 503, headers: { 'retry-after': '0' } }, {}];
  expect(await createImdsClient({ endpoint: endpoint() }).getToken({ resource })).toMatchObject({
    token: 'token 2',
  });
});

/** A fetch that ends only by an abort. */
const hang: FetchLike = (_, { signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')));
  });
