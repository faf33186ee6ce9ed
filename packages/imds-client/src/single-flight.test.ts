import { beforeEach, describe, expect, test } from 'vitest';
import { ImdsError } from './errors.ts';
import { createSingleFlight, type Departure, type FlightRules } from './single-flight.ts';

interface Call {
  readonly resolve: (value: string) => void;
  readonly reject: (error: Error) => void;
  readonly signal: AbortSignal;
  readonly fail: (error: Error) => void;
}

/** Calls that the test ends. */
function createWork() {
  const flights: Call[] = [];
  const depart: Departure<string> = (signal, fail) =>
    new Promise((resolve, reject) => {
      flights.push({ resolve, reject, signal, fail });
    });
  return { flights, depart };
}

/** Timers that the test ends. */
let timers: { ms: number; onEnd: () => void; isHeld: boolean; isOver: boolean }[] = [];
const overdue = (last: unknown) => new ImdsError('timeout', 'too late', { cause: last });
const rules: FlightRules = {
  deadlineMs: 90_000,
  startTimer(ms, onEnd) {
    const timer = { ms, onEnd, isHeld: false, isOver: false };
    timers.push(timer);
    return {
      hold: () => void (timer.isHeld = true),
      release: () => void (timer.isHeld = false),
      clear: () => void (timer.isOver = true),
    };
  },
};
beforeEach(() => {
  timers = [];
});

describe('concurrent callers with equal requests', () => {
  test('share one call and its result', async () => {
    const join = createSingleFlight<string>(rules);
    const { flights, depart } = createWork();
    const all = Promise.all([
      join({ key: 'k', overdue, depart }),
      join({ key: 'k', overdue, depart }),
      join({ key: 'k', overdue, depart }),
    ]);
    flights[0]!.resolve('done');
    expect(await all).toEqual(['done', 'done', 'done']);
    expect(flights).toHaveLength(1);
  });

  test('share its failure; the next caller starts another one', async () => {
    const join = createSingleFlight<string>(rules);
    const { flights, depart } = createWork();
    const all = Promise.allSettled([
      join({ key: 'k', overdue, depart }),
      join({ key: 'k', overdue, depart }),
    ]);
    flights[0]!.reject(new Error('no'));
    expect((await all).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const next = join({ key: 'k', overdue, depart });
    flights[1]!.resolve('done');
    expect(await next).toBe('done');
  });

  test('do not share with callers of other requests', () => {
    const join = createSingleFlight<string>(rules);
    const { flights, depart } = createWork();
    void join({ key: 'k', overdue, depart });
    void join({ key: 'l', overdue, depart });
    expect(flights).toHaveLength(2);
  });
});

describe('an abort', () => {
  test('ends the wait of its caller alone', async () => {
    const join = createSingleFlight<string>(rules);
    const { flights, depart } = createWork();
    const controller = new AbortController();
    const [leaving, staying] = [
      join({ key: 'k', overdue, depart, abortSignal: controller.signal }),
      join({ key: 'k', overdue, depart }),
    ];
    controller.abort();
    await expect(leaving).rejects.toMatchObject({ code: 'aborted', retryable: false });
    expect(flights[0]!.signal.aborted).toBe(false);
    flights[0]!.resolve('done');
    expect(await staying).toBe('done');
  });

  test('of the last caller ends the call, and the next caller starts another one', async () => {
    const join = createSingleFlight<string>(rules);
    const { flights, depart } = createWork();
    const controller = new AbortController();
    const leaving = Promise.allSettled([
      join({ key: 'k', overdue, depart, abortSignal: controller.signal }),
      join({ key: 'k', overdue, depart, abortSignal: controller.signal }),
    ]);
    controller.abort();
    await leaving;
    expect(flights[0]!.signal.aborted).toBe(true);
    const next = join({ key: 'k', overdue, depart });
    expect(flights).toHaveLength(2);
    // The end of the old call must not remove the new one.
    flights[0]!.reject(new Error('aborted'));
    await Promise.resolve();
    void join({ key: 'k', overdue, depart });
    expect(flights).toHaveLength(2);
    flights[1]!.resolve('new');
    expect(await next).toBe('new');
  });

  test('before the call starts nothing', async () => {
    const { flights, depart } = createWork();
    await expect(
      createSingleFlight<string>(rules)({
        key: 'k',
        overdue,
        depart,
        abortSignal: AbortSignal.abort('bored'),
      }),
    ).rejects.toMatchObject({
      code: 'aborted',
      name: 'AbortError',
      cause: 'bored',
    });
    expect(flights).toHaveLength(0);
  });

  test('after the end has no listener any more', async () => {
    const { flights, depart } = createWork();
    let listeners = 0;
    const signal = {
      aborted: false,
      addEventListener: () => void (listeners += 1),
      removeEventListener: () => void (listeners -= 1),
    };
    const done = createSingleFlight<string>(rules)({ key: 'k', overdue, depart, abortSignal: signal });
    expect(listeners).toBe(1);
    flights[0]!.resolve('done');
    await done;
    await Promise.resolve();
    expect(listeners).toBe(0);
  });
});

describe('the deadline', () => {
  test('ends the call and all waits for it, even if the call ignores its signal', async () => {
    const join = createSingleFlight<string>(rules);
    const { flights, depart } = createWork();
    const last = new ImdsError('unavailable', '503');
    const all = Promise.allSettled([
      join({ key: 'k', overdue, depart }),
      join({ key: 'k', overdue, depart }),
    ]);
    flights[0]!.fail(last);
    expect(timers[0]!.ms).toBe(90_000);
    timers[0]!.onEnd();
    for (const outcome of await all)
      expect(outcome).toMatchObject({ reason: { code: 'timeout', name: 'TimeoutError', cause: last } });
    expect(flights[0]!.signal.aborted).toBe(true);
    void join({ key: 'k', overdue, depart });
    expect(flights).toHaveLength(2);
  });

  test('is held while a caller waits: a program ends only once all of them have their result', async () => {
    const join = createSingleFlight<string>(rules);
    const { flights, depart } = createWork();
    const controller = new AbortController();
    const leaving = join({ key: 'k', overdue, depart, abortSignal: controller.signal });
    const staying = join({ key: 'k', overdue, depart });
    controller.abort();
    await expect(leaving).rejects.toMatchObject({ code: 'aborted' });
    expect(timers[0]!.isHeld).toBe(true);
    flights[0]!.resolve('done');
    await staying;
    expect(timers[0]).toMatchObject({ isHeld: false, isOver: true });
  });
});

describe('a call in the background', () => {
  test('is not held, and does not end with the callers that join and leave', async () => {
    const join = createSingleFlight<string>(rules);
    const { flights, depart } = createWork();
    const controller = new AbortController();
    const background = join({ key: 'k', overdue, depart, isBackground: true });
    expect(timers[0]!.isHeld).toBe(false);
    const leaving = join({ key: 'k', overdue, depart, abortSignal: controller.signal });
    expect(timers[0]!.isHeld).toBe(true);
    controller.abort();
    await expect(leaving).rejects.toMatchObject({ code: 'aborted' });
    expect([timers[0]!.isHeld, flights[0]!.signal.aborted]).toEqual([false, false]);
    flights[0]!.resolve('done');
    expect(await background).toBe('done');
  });
});

describe('a caller that has something else', () => {
  const instead = (take: () => string | undefined) => ({ take, patienceMs: 500 });

  test('goes on although another caller, who took nothing, gives up', async () => {
    const join = createSingleFlight<string>(rules);
    const { flights, depart } = createWork();
    const content = join({ key: 'k', overdue, depart, instead: instead(() => 'old') });
    flights[0]!.fail(new Error('503'));
    expect(await content).toBe('old');
    const controller = new AbortController();
    const waiting = join({ key: 'k', overdue, depart, abortSignal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    expect(flights[0]!.signal.aborted).toBe(false);
  });

  test('ends with its last caller, if the one who could take something gave up before', async () => {
    const join = createSingleFlight<string>(rules);
    const { flights, depart } = createWork();
    const controllers = [new AbortController(), new AbortController()];
    const [first, second] = controllers.map(({ signal }) => signal);
    const content = join({ key: 'k', overdue, depart, abortSignal: first, instead: instead(() => 'old') });
    const other = join({ key: 'k', overdue, depart, abortSignal: second });
    const ended = Promise.allSettled([content, other]);
    controllers[0]!.abort();
    flights[0]!.fail(new Error('503'));
    controllers[1]!.abort();
    await ended;
    expect(flights[0]!.signal.aborted).toBe(true);
  });

  test('takes it at the first failed try; the call goes on', async () => {
    const join = createSingleFlight<string>(rules);
    const { flights, depart } = createWork();
    const content = join({ key: 'k', overdue, depart, instead: instead(() => 'old') });
    flights[0]!.fail(new Error('503'));
    expect(await content).toBe('old');
    expect([flights[0]!.signal.aborted, timers[0]!.isHeld]).toEqual([false, false]);
    const patient = join({ key: 'k', overdue, depart });
    flights[0]!.resolve('new');
    expect(await patient).toBe('new');
    expect(flights).toHaveLength(1);
  });

  test('takes it if the call fails as a whole', async () => {
    const join = createSingleFlight<string>(rules);
    const { flights, depart } = createWork();
    const content = join({ key: 'k', overdue, depart, instead: instead(() => 'old') });
    flights[0]!.reject(new Error('no'));
    expect(await content).toBe('old');
  });

  test('takes it at once if a try of the call has failed before', async () => {
    const join = createSingleFlight<string>(rules);
    const { flights, depart } = createWork();
    void join({ key: 'k', overdue, depart, isBackground: true });
    flights[0]!.fail(new Error('503'));
    expect(await join({ key: 'k', overdue, depart, instead: instead(() => 'old') })).toBe('old');
  });

  test('takes it when its patience has ended', async () => {
    const join = createSingleFlight<string>(rules);
    const { depart } = createWork();
    const content = join({ key: 'k', overdue, depart, instead: instead(() => 'old') });
    expect(timers[1]!.ms).toBe(500);
    timers[1]!.onEnd();
    expect(await content).toBe('old');
  });

  test('waits for the call once it has nothing else any more', async () => {
    const join = createSingleFlight<string>(rules);
    const { flights, depart } = createWork();
    const waiting = join({ key: 'k', overdue, depart, instead: instead(() => undefined) });
    flights[0]!.fail(new Error('503'));
    timers[1]!.onEnd();
    flights[0]!.resolve('new');
    expect(await waiting).toBe('new');
  });

  test('leaves no timer behind', async () => {
    const join = createSingleFlight<string>(rules);
    const { flights, depart } = createWork();
    const getting = join({ key: 'k', overdue, depart, instead: instead(() => 'old') });
    flights[0]!.resolve('new');
    await getting;
    await Promise.resolve();
    expect(timers.map(({ isOver }) => isOver)).toEqual([true, true]);
  });
});
