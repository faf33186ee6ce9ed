// What other programs and clocks can do to a client: responses that are no HTTP, identities that are no plain objects, clocks that are set.
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { createImdsClient, createImdsCredential } from './client.ts';
import { isImdsError } from './errors.ts';
import type { FetchLike, Identity } from './types.ts';

const resource = 'https://vault.azure.net';
const closings: (() => void)[] = [];
afterEach(() => {
  for (const close of closings.splice(0)) close();
});

/** A server that writes these bytes after each request. */
async function endpointThatWrites(text: string): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('data', () => socket.end(text));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closings.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const tokenBody = JSON.stringify({ access_token: 'SECRETTOKEN', expires_in: '3600' });

describe('an error about a response that is no HTTP does not hold the token', () => {
  test.each([
    [
      'two lengths',
      `HTTP/1.1 200 OK\r\nContent-Length: 53\r\nTransfer-Encoding: chunked\r\n\r\n${tokenBody}`,
    ],
    [
      'two values of a length',
      `HTTP/1.1 200 OK\r\nContent-Length: 53\r\nContent-Length: 54\r\n\r\n${tokenBody}`,
    ],
    ['no headers', tokenBody],
  ])('%s', async (_, text) => {
    for (const transport of [undefined, fetch]) {
      const client = createImdsClient({ endpoint: await endpointThatWrites(text), transport, maxRetries: 0 });
      const error: unknown = await client.getToken({ resource }).catch((one: unknown) => one);
      expect(isImdsError(error)).toBe(true);
      if (transport === undefined) {
        expect(error).toMatchObject({
          code: 'invalid-response',
          cause: { code: expect.stringMatching(/^HPE_/) as unknown },
        });
        expect(Object.keys((error as Error).cause as object)).toEqual(['code']);
      }
      // Buffers are shown as hexadecimal numbers.
      expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/SECRETTOKEN|53 45 43 52/);
    }
  });
});

/** A token for each identity. */
const transport: FetchLike = (url) => {
  const { searchParams } = new URL(url);
  const token = `for ${searchParams.get('client_id') ?? 'the default'}`;
  const body = JSON.stringify({ access_token: token, expires_in: 3600 });
  return Promise.resolve(new Response(body));
};

test('a token that is logged as an object is not shown', async () => {
  const access = await createImdsClient({ transport }).getToken({ resource });
  for (const shown of [inspect(access), inspect({ access }), inspect(access, { showHidden: true })]) {
    expect(shown).not.toContain('for the default');
    expect(shown).toMatch(/token: '\[15 characters\]'.*expiresOnTimestamp: \d+/s);
  }
  expect(JSON.parse(JSON.stringify(access))).toEqual({ ...access });
  expect(access.token).toBe('for the default');
});

class TeamA {
  readonly #id = 'team-a';

  get clientId() {
    return this.#id;
  }
}

describe('an identity whose id is inherited', () => {
  const inherited: [string, () => Identity][] = [
    ['from a getter of a class', () => new TeamA()],
    ['from a prototype', () => Object.create({ clientId: 'team-a' }) as Identity],
  ];
  test.each(inherited)('%s gives no token to a request without an id', async (_, identity) => {
    const client = createImdsClient({ transport });
    expect(await client.getToken({ resource, identity: identity() })).toMatchObject({ token: 'for team-a' });
    for (const none of [{}, null] as unknown as Identity[]) {
      await expect(client.getToken({ resource, identity: none })).rejects.toThrow('identity must have');
    }
    expect(await client.getToken({ resource })).toMatchObject({ token: 'for the default' });
  });

  test.each(inherited)('%s is named in errors', async (_, identity) => {
    const refusing: FetchLike = () => Promise.resolve(new Response('', { status: 400 }));
    const getting = createImdsClient({ transport: refusing }).getToken({ resource, identity: identity() });
    await expect(getting).rejects.toMatchObject({
      message: expect.stringContaining('client id team-a') as unknown,
      identity: { clientId: 'team-a' },
    });
  });
});

test('a credential keeps its identity although the caller changes the object', async () => {
  const identity = { clientId: 'one' };
  const credential = createImdsClient({ transport, cache: false }).createCredential({ identity });
  identity.clientId = 'two';
  expect(await credential.getToken('r')).toMatchObject({ token: 'for one' });
});

describe('a clock that is set', () => {
  const hourMs = 3_600_000;
  const createScene = () => {
    const scene = { now: 1_700_000_000_000, elapsed: 0, requests: 0, setTo: undefined as number | undefined };
    const counting: FetchLike = () => {
      scene.requests += 1;
      const isRefusal = scene.setTo !== undefined;
      const body = isRefusal ? '' : JSON.stringify({ access_token: 't', expires_in: 3600 });
      const status = isRefusal ? 503 : 200;
      return Promise.resolve(new Response(body, { status }));
    };
    const clock = {
      now: () => scene.now,
      elapsed: () => scene.elapsed,
      sleep: (ms: number) => {
        scene.elapsed += ms;
        scene.now = scene.setTo ?? scene.now;
        return Promise.resolve();
      },
    };
    const options = { transport: counting, testing: { clock, random: () => 0 } };
    return { scene, options, client: createImdsClient(options) };
  };

  test('back does not keep a token beyond its life', async () => {
    const { scene, client } = createScene();
    scene.now += 24 * hourMs;
    await client.getToken({ resource });
    scene.now -= 24 * hourMs;
    scene.elapsed += 5 * hourMs;
    scene.now += 5 * hourMs;
    await client.getToken({ resource });
    expect(scene.requests).toBe(2);
  });

  test('back by less than the time since does not keep a token beyond its life', async () => {
    const { scene, client } = createScene();
    await client.getToken({ resource });
    scene.elapsed += 2 * hourMs;
    scene.now += 0.5 * hourMs;
    await client.getToken({ resource });
    expect(scene.requests).toBe(2);
  });

  test('back before the token came has it requested again, and kept if that fails', async () => {
    const { scene, client } = createScene();
    const first = await client.getToken({ resource });
    scene.now -= hourMs;
    scene.setTo = scene.now;
    expect(await client.getToken({ resource })).toBe(first);
    expect(scene.requests).toBeGreaterThan(1);
  });

  test('forward, as after a sleep of the machine, ends the life of a token', async () => {
    const { scene, client } = createScene();
    await client.getToken({ resource });
    scene.now += hourMs;
    await client.getToken({ resource });
    expect(scene.requests).toBe(2);
  });

  test('in any way does not move the deadline', async () => {
    const { scene, options } = createScene();
    scene.setTo = scene.now;
    const getting = createImdsClient({ ...options, deadlineMs: 5_000 }).getToken({ resource });
    await expect(getting).rejects.toMatchObject({ code: 'unavailable' });
    expect(scene.requests).toBe(2);
  });

  test.each([-hourMs, hourMs])('by %s ms does not change the number of retries', async (byMs) => {
    const { scene, client } = createScene();
    scene.setTo = scene.now + byMs;
    await expect(client.getToken({ resource })).rejects.toMatchObject({ code: 'unavailable' });
    expect(scene.requests).toBe(5);
  });
});

describe('an argument that only JavaScript can pass is refused by its name', () => {
  const client = createImdsClient({ transport });
  const getToken = (request: unknown) => client.getToken(request as Parameters<typeof client.getToken>[0]);
  test.each([
    [undefined, 'must be an object'],
    [{ resource: 'r', abortSignal: new AbortController() }, 'abortSignal must be an AbortSignal'],
    [{ resource: 'r/.default ' }, 'resource'],
    [{ resource: 'r/.default/' }, 'resource'],
  ])('%j', async (request, name) => {
    const error: unknown = await getToken(request).catch((one: unknown) => one);
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain(name);
  });

  test('an AbortController in place of its signal', async () => {
    const how = { abortSignal: new AbortController() as unknown as AbortSignal };
    await expect(client.isAvailable(how)).rejects.toThrow(/^abortSignal must be an AbortSignal$/);
  });

  test('but not null in place of no signal', async () => {
    expect(await getToken({ resource, abortSignal: null })).toMatchObject({ token: 'for the default' });
  });

  test('nor null in place of the options of a credential, as some callers of Azure’s SDKs pass', async () => {
    const getting = client.createCredential().getToken('r', null as never);
    expect(await getting).toMatchObject({ token: 'for the default' });
  });

  test.each<[string, () => unknown]>([
    ['timeout', () => createImdsClient({ timeout: 5 } as object)],
    ['maxRetrys', () => createImdsCredential({ maxRetrys: 5 } as object)],
    ['random', () => createImdsClient({ random: () => 0 } as object)],
    ['now', () => createImdsClient({ testing: { now: () => 0 } } as object)],
    ['signal', () => getToken({ resource, signal: AbortSignal.timeout(1) })],
    ['bypasCache', () => getToken({ resource, bypasCache: true })],
    ['retries', () => client.isAvailable({ retries: 5 } as object)],
    ['cache', () => client.createCredential({ cache: false } as object)],
  ])('an unknown option %s is refused with the known ones', async (name, call) => {
    const error: unknown = await Promise.resolve()
      .then(call)
      .catch((one: unknown) => one);
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toMatch(
      new RegExp(
        `${name} is not known here: write .*(resource|endpoint|clock|timeoutMs|abortSignal|identity)`,
      ),
    );
  });

  test('but not those that Azure’s SDKs pass to a credential', async () => {
    const options = { tenantId: 't', enableCae: true, tracingOptions: {} } as object;
    expect(await client.createCredential().getToken('r', options)).toMatchObject({
      token: 'for the default',
    });
  });

  test('null in place of the options', () => {
    expect(() => createImdsClient(null as never)).toThrow('the options must be an object');
  });

  test.each<[string, () => Promise<unknown>]>([
    ['isAvailable', () => client.isAvailable(null as never)],
    ['getToken', () => client.createCredential().getToken('r', 5 as never)],
  ])('what is no object in place of the options of %s', async (_, call) => {
    const error: unknown = await call().catch((one: unknown) => one);
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain('options must be an object');
  });

  test.each([[undefined], [null], [[]]])('%j in place of the scopes', async (scopes) => {
    await expect(client.createCredential().getToken(scopes as never)).rejects.toThrow(/scope/);
  });
});

test.each(['http://127.0.0.1:1\r\n', 'http://127.0.0.1:1//', ' http://127.0.0.1:1/ '])(
  'blanks and slashes at the end of the endpoint %j do not count',
  async (endpoint) => {
    const urls: string[] = [];
    const noting: FetchLike = (url, init) => {
      urls.push(url);
      return transport(url, init);
    };
    await createImdsClient({ endpoint, transport: noting }).getToken({ resource });
    expect(urls[0]).toMatch(/^http:\/\/127\.0\.0\.1:1\/metadata\//);
  },
);

test.each(['http://127.0.0.1:1\nx', 'http://user:secret%40host', 'http://127.0.0.1\u2028:1'])(
  'the endpoint %j is refused without being quoted',
  (endpoint) => {
    const create = () => createImdsClient({ endpoint });
    expect(create).toThrow(TypeError);
    expect(create).not.toThrow(/secret|\n|\u2028/);
  },
);

test('ids of identities that differ beyond ASCII share no token', async () => {
  const client = createImdsClient({ transport });
  const first = await client.getToken({ resource, identity: { resourceId: '/K' } });
  expect(await client.getToken({ resource, identity: { resourceId: '/\u212a' } })).not.toBe(first);
});
