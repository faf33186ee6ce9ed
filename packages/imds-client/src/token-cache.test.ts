import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ImdsError } from './errors.ts';
import { createTokenCache, freshnessOf, type TokenQuestion } from './token-cache.ts';
import type { AccessToken } from './types.ts';

const minute = 60_000;
const hour = 60 * minute;

/** A cache, its clock, and a source that counts and does what it is told to. */
function createScene(maxEntries = 10) {
  const scene = {
    now: 0,
    requests: 0,
    lifeMs: hour,
    heedsAbort: false,
    failure: undefined as ImdsError | undefined,
    held: undefined as Promise<void> | undefined,
  };
  const cache = createTokenCache({ now: () => scene.now, maxEntries });
  const fetchToken = async (signal: AbortSignal): Promise<AccessToken> => {
    const name = `token ${++scene.requests}`;
    await scene.held;
    if (scene.heedsAbort && signal.aborted) throw new Error('nobody waits any more');
    if (scene.failure !== undefined) throw scene.failure;
    return { token: name, expiresOnTimestamp: scene.now + scene.lifeMs, tokenType: 'Bearer', resource: 'r' };
  };
  const get = async (more: Partial<TokenQuestion> = {}) =>
    (await cache.get({ key: 'k', mode: 'use', fetchToken, ...more })).token;
  return { scene, get };
}

/** Lets everything run that needs no clock. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('a token in the cache', () => {
  test('is given out while it is fresh', async () => {
    const { scene, get } = createScene();
    expect(await get()).toBe('token 1');
    scene.now = 54 * minute;
    expect(await get()).toBe('token 1');
    expect(scene.requests).toBe(1);
  });

  test('is given out and refreshed meanwhile, once, when it is to expire soon', async () => {
    const { scene, get } = createScene();
    await get();
    scene.now = 56 * minute;
    expect(await Promise.all([get(), get(), get()])).toEqual(['token 1', 'token 1', 'token 1']);
    await settle();
    expect(await get()).toBe('token 2');
    expect(scene.requests).toBe(2);
  });

  test('is refreshed when its refreshAfterTimestamp has come', () => {
    const token = {
      token: 't',
      expiresOnTimestamp: 10 * hour,
      refreshAfterTimestamp: hour,
      tokenType: 'Bearer',
      resource: 'r',
    } as const;
    expect(freshnessOf(token, 0, hour - 1)).toBe('fresh');
    expect(freshnessOf(token, 0, hour)).toBe('refresh-soon');
  });

  test('is replaced before it is given out when it is about to expire', async () => {
    const { scene, get } = createScene();
    await get();
    scene.now = hour - 30_000;
    expect(await get()).toBe('token 2');
  });

  test('is still given out when no other can be had, and the source is then left alone for half a minute', async () => {
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

  test('is not given out once it has expired', async () => {
    const { scene, get } = createScene();
    await get();
    scene.failure = new ImdsError('unavailable', 'down');
    scene.now = hour;
    await expect(get()).rejects.toBe(scene.failure);
    scene.failure = undefined;
    expect(await get()).toBe('token 3');
  });

  test('is not given out when it expired while another was asked for', async () => {
    const { scene, get } = createScene();
    await get();
    scene.now = hour - 1000;
    scene.failure = new ImdsError('unavailable', 'down');
    const late = get();
    scene.now = hour;
    await expect(late).rejects.toBe(scene.failure);
  });

  test('whose refresh fails in the background fails nobody', async () => {
    const { scene, get } = createScene();
    await get();
    scene.failure = new ImdsError('denied', 'no');
    scene.now = 56 * minute;
    expect(await get()).toBe('token 1');
    await settle();
    expect(await get()).toBe('token 1');
    expect(scene.requests).toBe(2);
  });

  test('is refreshed in the background even when the caller who started that is gone', async () => {
    const { scene, get } = createScene();
    await get();
    [scene.now, scene.heedsAbort] = [56 * minute, true];
    const controller = new AbortController();
    await get({ abortSignal: controller.signal });
    controller.abort();
    await settle();
    expect(await get()).toBe('token 2');
  });

  test('is not what a caller gets who gave up waiting for another', async () => {
    const { scene, get } = createScene();
    await get();
    scene.now = hour - 30_000;
    scene.held = new Promise(() => undefined);
    const controller = new AbortController();
    const waiting = get({ abortSignal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
  });

  test('of a short life has short margins', async () => {
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

describe('a request', () => {
  test('of many callers at once is one', async () => {
    const { scene, get } = createScene();
    const tokens = await Promise.all(Array.from({ length: 200 }, () => get()));
    expect(new Set(tokens)).toEqual(new Set(['token 1']));
    expect(scene.requests).toBe(1);
  });

  test('past the cache is made though there is a token, and stores its own', async () => {
    const { get } = createScene();
    await get();
    expect(await get({ mode: 'renew' })).toBe('token 2');
    expect(await get()).toBe('token 2');
  });

  test('past the cache is shared by those who make it at once', async () => {
    const { scene, get } = createScene();
    expect(await Promise.all([get({ mode: 'renew' }), get({ mode: 'renew' })])).toEqual([
      'token 1',
      'token 1',
    ]);
    expect(scene.requests).toBe(1);
  });

  test('with an answer of its own leaves the cache as it is', async () => {
    const { get } = createScene();
    await get();
    expect(await get({ mode: 'pass' })).toBe('token 2');
    expect(await get()).toBe('token 1');
  });

  test('that was given up and ends late does not replace a younger token', async () => {
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

test('whatever its times, a token only gets less fresh, and is never good for use after its end', () => {
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
