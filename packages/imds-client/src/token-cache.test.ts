import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ImdsError } from './errors.ts';
import type { Departure } from './single-flight.ts';
import { createTokenCache, freshnessOf } from './token-cache.ts';
import type { AccessToken } from './types.ts';

const minute = 60_000;
const hour = 60 * minute;

interface Call {
  readonly key: string;
  readonly fetchToken: Departure<AccessToken>;
  readonly isBypassed: boolean;
  readonly abortSignal: AbortSignal;
}

/** A cache, its clock, and a source that counts its calls and fails on request. */
function createScene(maxEntries = 10) {
  const scene = {
    now: 0,
    /** By how much the clock was set back. */
    setBackMs: 0,
    /** How often a caller began to wait. */
    holds: 0,
    requests: 0,
    lifeMs: hour,
    heedsAbort: false,
    failure: undefined as ImdsError | undefined,
    held: undefined as Promise<void> | undefined,
  };
  const patience: (() => void)[] = [];
  const patienceMs: number[] = [];
  const cache = createTokenCache({
    now: () => scene.now - scene.setBackMs,
    elapsed: () => scene.now,
    maxEntries,
    deadlineMs: 90_000,
    startTimer(ms, onEnd) {
      if (ms < 90_000) {
        patience.push(onEnd);
        patienceMs.push(ms);
      }
      return { hold: () => void (scene.holds += 1), release: () => undefined, clear: () => undefined };
    },
  });
  const fetchToken = async (signal: AbortSignal): Promise<AccessToken> => {
    const name = `token ${++scene.requests}`;
    await scene.held;
    if (scene.heedsAbort && signal.aborted) throw new Error('nobody waits any more');
    if (scene.failure !== undefined) throw scene.failure;
    return { token: name, expiresOnTimestamp: scene.now + scene.lifeMs, tokenType: 'Bearer', resource: 'r' };
  };
  const overdue = () => new ImdsError('timeout', 'too late');
  const cached = () => cache.get('k', false, () => ({ depart: fetchToken, overdue }));
  const get = async ({ key = 'k', isBypassed = false, abortSignal, ...call }: Partial<Call> = {}) => {
    const { fetchToken: depart } = { fetchToken, ...call };
    return (await cache.get(key, isBypassed, () => ({ depart, overdue, abortSignal }))).token;
  };
  return { scene, get, cached, patience, patienceMs };
}

/** Runs everything that waits for no timer. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('a token in the cache', () => {
  test('is returned while it is fresh', async () => {
    const { scene, get } = createScene();
    expect(await get()).toBe('token 1');
    scene.now = 54 * minute;
    expect(await get()).toBe('token 1');
    expect(scene.requests).toBe(1);
  });

  test('is returned without a promise', async () => {
    const { get, cached } = createScene();
    await get();
    expect(cached()).toMatchObject({ token: 'token 1' });
  });

  test('that has expired is not waited for, although the clock was set back', async () => {
    const { scene, get, patience } = createScene();
    await get();
    [scene.now, scene.setBackMs] = [2 * hour, 3 * hour];
    expect(await get()).toBe('token 2');
    expect(patience).toEqual([]);
  });

  test('is returned and refreshed in the background, once, if it expires soon', async () => {
    const { scene, get } = createScene();
    await get();
    scene.now = 56 * minute;
    expect(await Promise.all([get(), get(), get()])).toEqual(['token 1', 'token 1', 'token 1']);
    await settle();
    // Of the first request: nobody waits for the second one, so it keeps no program alive.
    expect(scene.holds).toBe(1);
    expect(await get()).toBe('token 2');
    expect(scene.requests).toBe(2);
  });

  test('is refreshed after its refreshAfterTimestamp', () => {
    const token = {
      token: 't',
      expiresOnTimestamp: 10 * hour,
      refreshAfterTimestamp: hour,
      tokenType: 'Bearer',
      resource: 'r',
    } as const;
    expect(freshnessOf(token, 0, hour - 1)).toBe('fresh');
    expect(freshnessOf(token, 0, hour)).toBe('refresh-soon');
    expect(freshnessOf(token, 0, 10 * hour - minute - 1)).toBe('refresh-soon');
    expect(freshnessOf(token, 0, 10 * hour - minute)).toBe('must-wait');
  });

  test('that lives for minutes is used until nearer its end', () => {
    const token = { token: 't', expiresOnTimestamp: 10 * hour, tokenType: 'Bearer', resource: 'r' } as const;
    const storedAt = 10 * hour - 10 * minute;
    expect(freshnessOf(token, storedAt, 10 * hour - 2 * minute - 1)).toBe('fresh');
    expect(freshnessOf(token, storedAt, 10 * hour - minute / 2 - 1)).toBe('refresh-soon');
    expect(freshnessOf(token, storedAt, 10 * hour - minute / 2)).toBe('must-wait');
  });

  test('is replaced before the caller gets it if it is about to expire', async () => {
    const { scene, get } = createScene();
    await get();
    scene.now = hour - 30_000;
    expect(await get()).toBe('token 2');
  });

  test('is still returned if no other is available, and the source is not called again for half a minute', async () => {
    const { scene, get } = createScene();
    await get();
    scene.failure = new ImdsError('unavailable', 'down');
    scene.now = hour - 50_000;
    expect(await get()).toBe('token 1');
    expect(await get()).toBe('token 1');
    expect(scene.requests).toBe(2);
    scene.now += 30_000;
    expect(await get()).toBe('token 1');
    expect(scene.requests).toBe(3);
  });

  test('is not returned once it has expired', async () => {
    const { scene, get } = createScene();
    await get();
    scene.failure = new ImdsError('unavailable', 'down');
    scene.now = hour;
    await expect(get()).rejects.toBe(scene.failure);
    scene.failure = undefined;
    expect(await get()).toBe('token 3');
  });

  test('is not returned if it expired while another one was requested', async () => {
    const { scene, get } = createScene();
    await get();
    scene.now = hour - 1000;
    scene.failure = new ImdsError('unavailable', 'down');
    const late = get();
    scene.now = hour;
    await expect(late).rejects.toBe(scene.failure);
  });

  test('is returned if its refresh fails in the background', async () => {
    const { scene, get } = createScene();
    await get();
    scene.failure = new ImdsError('denied', 'no');
    scene.now = 56 * minute;
    expect(await get()).toBe('token 1');
    await settle();
    expect(await get()).toBe('token 1');
    expect(scene.requests).toBe(2);
  });

  test('is refreshed in the background even if the caller that started the refresh aborts', async () => {
    const { scene, get } = createScene();
    await get();
    [scene.now, scene.heedsAbort] = [56 * minute, true];
    const controller = new AbortController();
    await get({ abortSignal: controller.signal });
    controller.abort();
    await settle();
    expect(await get()).toBe('token 2');
  });

  test('is not returned to a caller that aborted its wait for another one', async () => {
    const { scene, get } = createScene();
    await get();
    scene.now = hour - 30_000;
    scene.held = new Promise(() => undefined);
    const controller = new AbortController();
    const waiting = get({ abortSignal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
  });

  test('that was replaced counts as stored then', async () => {
    const { scene, get } = createScene(2);
    await get({ key: 'a' });
    await get({ key: 'b' });
    await get({ key: 'a', isBypassed: true });
    await get({ key: 'c' });
    expect(await get({ key: 'a' })).toBe('token 3');
    expect(scene.requests).toBe(4);
  });

  test('is evicted if there are more than may be stored: the oldest first', async () => {
    const { scene, get } = createScene(2);
    for (const key of ['a', 'b', 'b']) await get({ key, isBypassed: key === 'b' });
    expect(await get({ key: 'a' })).toBe('token 1');
    await get({ key: 'c' });
    expect(await get({ key: 'b' })).toBe('token 3');
    expect(await get({ key: 'a' })).toBe('token 5');
    expect(scene.requests).toBe(5);
  });

  test('with a short lifetime has short margins', async () => {
    const { scene, get } = createScene();
    scene.lifeMs = minute;
    await get();
    scene.now = 40_000;
    expect(await get()).toBe('token 1');
    expect(scene.requests).toBe(1);
    scene.now = 58_000;
    expect(await get()).toBe('token 2');
  });
});

describe('in the last minute of a token', () => {
  /** A call that fails at its first try, and whose retries the test ends. */
  const retrying = (failure: Error) => {
    const { promise, resolve } = Promise.withResolvers<AccessToken>();
    const fetchToken: Call['fetchToken'] = (_, onFailure) => {
      onFailure(failure);
      return promise;
    };
    return { fetchToken, resolve };
  };

  test('the old one is given at the first failure, without waiting for retries, until it expires', async () => {
    const { scene, get } = createScene();
    await get();
    scene.now = hour - 25_000;
    const { fetchToken, resolve } = retrying(new ImdsError('unavailable', '503'));
    expect(await get({ fetchToken })).toBe('token 1');
    expect(await get()).toBe('token 1');
    expect(scene.requests).toBe(1);
    resolve({ token: 'new', expiresOnTimestamp: 2 * hour, tokenType: 'Bearer', resource: 'r' });
    await settle();
    expect(await get()).toBe('new');
  });

  test('a service that hangs does not take the life of the old one', async () => {
    const { scene, get, patience } = createScene();
    await get();
    [scene.now, scene.held] = [hour - 25_000, new Promise(() => undefined)];
    const waiting = get();
    patience[0]!();
    expect(await waiting).toBe('token 1');
  });

  test.each([
    [25_000, 10_000],
    [8_000, 4_000],
  ])('with %i ms left, callers wait for %i ms', async (leftMs, expected) => {
    const { scene, get, patience, patienceMs } = createScene();
    await get();
    [scene.now, scene.held] = [hour - leftMs, new Promise(() => undefined)];
    const waiting = get();
    patience[0]!();
    await waiting;
    expect(patienceMs).toEqual([expected]);
  });

  test('a wait that its caller ended does not count as a failure', async () => {
    const { scene, get } = createScene();
    await get();
    [scene.now, scene.heedsAbort] = [hour - 50_000, true];
    const controller = new AbortController();
    const waiting = get({ abortSignal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    await settle();
    expect(await get()).toBe('token 3');
  });

  test('a programming error of the transport does not take it either', async () => {
    const { scene, get } = createScene();
    await get();
    scene.now = hour - 25_000;
    const fetchToken = () => Promise.reject(new TypeError('x is not a function'));
    expect(await get({ fetchToken })).toBe('token 1');
  });
});

describe('a request', () => {
  test('is made once for many concurrent callers', async () => {
    const { scene, get } = createScene();
    const tokens = await Promise.all(Array.from({ length: 200 }, () => get()));
    expect(new Set(tokens)).toEqual(new Set(['token 1']));
    expect(scene.requests).toBe(1);
  });

  test('past the cache is made though there is a token, and stores the new one', async () => {
    const { get } = createScene();
    await get();
    expect(await get({ isBypassed: true })).toBe('token 2');
    expect(await get()).toBe('token 2');
  });

  test('past the cache is shared by concurrent callers', async () => {
    const { scene, get } = createScene();
    expect(await Promise.all([get({ isBypassed: true }), get({ isBypassed: true })])).toEqual([
      'token 1',
      'token 1',
    ]);
    expect(scene.requests).toBe(1);
  });

  test('that was aborted and ends late does not replace a newer token', async () => {
    const { scene, get } = createScene();
    let release: () => void = () => undefined;
    scene.held = new Promise((resolve) => {
      release = resolve;
    });
    const controller = new AbortController();
    const first = get({ abortSignal: controller.signal });
    controller.abort();
    await expect(first).rejects.toMatchObject({ code: 'aborted' });
    scene.held = undefined;
    expect(await get()).toBe('token 2');
    release();
    await settle();
    expect(await get()).toBe('token 2');
  });
});

test('whatever its times, a token only gets less fresh, and is never usable after its expiry', () => {
  const order = ['fresh', 'refresh-soon', 'must-wait', 'expired'];
  const times = fc.tuple(fc.nat(hour), fc.nat(24 * hour), fc.option(fc.nat(24 * hour), { nil: undefined }));
  fc.assert(
    fc.property(times, fc.nat(25 * hour), fc.nat(25 * hour), ([storedAt, lifeMs, refreshAfter], a, b) => {
      const expiresOnTimestamp = storedAt + lifeMs;
      const refresh = refreshAfter === undefined ? {} : { refreshAfterTimestamp: refreshAfter };
      const token: AccessToken = {
        token: 't',
        expiresOnTimestamp,
        tokenType: 'Bearer',
        resource: 'r',
        ...refresh,
      };
      const [early, late] = [Math.min(a, b), Math.max(a, b)].map((at) => freshnessOf(token, storedAt, at));
      expect(order.indexOf(late!)).toBeGreaterThanOrEqual(order.indexOf(early!));
      expect(freshnessOf(token, storedAt, expiresOnTimestamp)).toBe('expired');
    }),
  );
});
