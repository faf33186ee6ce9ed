import { describe, expect, test } from 'vitest';
import { createSingleFlight } from './single-flight.ts';

/** Calls that the test ends. */
function createWork() {
  const flights: { resolve: (value: string) => void; reject: (error: Error) => void; signal: AbortSignal }[] =
    [];
  const depart = (signal: AbortSignal) =>
    new Promise<string>((resolve, reject) => {
      flights.push({ resolve, reject, signal });
    });
  return { flights, depart };
}

describe('concurrent callers with equal requests', () => {
  test('share one call and its result', async () => {
    const join = createSingleFlight<string>();
    const { flights, depart } = createWork();
    const all = Promise.all([join('k', depart), join('k', depart), join('k', depart)]);
    flights[0]!.resolve('done');
    expect(await all).toEqual(['done', 'done', 'done']);
    expect(flights).toHaveLength(1);
  });

  test('share its failure; the next caller starts another one', async () => {
    const join = createSingleFlight<string>();
    const { flights, depart } = createWork();
    const all = Promise.allSettled([join('k', depart), join('k', depart)]);
    flights[0]!.reject(new Error('no'));
    expect((await all).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const next = join('k', depart);
    flights[1]!.resolve('done');
    expect(await next).toBe('done');
  });

  test('do not share with callers of other requests', () => {
    const join = createSingleFlight<string>();
    const { flights, depart } = createWork();
    void join('k', depart);
    void join('l', depart);
    expect(flights).toHaveLength(2);
  });
});

describe('an abort', () => {
  test('ends the wait of its caller alone', async () => {
    const join = createSingleFlight<string>();
    const { flights, depart } = createWork();
    const controller = new AbortController();
    const [leaving, staying] = [join('k', depart, controller.signal), join('k', depart)];
    controller.abort();
    await expect(leaving).rejects.toMatchObject({ code: 'aborted', retryable: false });
    expect(flights[0]!.signal.aborted).toBe(false);
    flights[0]!.resolve('done');
    expect(await staying).toBe('done');
  });

  test('of the last caller ends the call, and the next caller starts another one', async () => {
    const join = createSingleFlight<string>();
    const { flights, depart } = createWork();
    const controller = new AbortController();
    const leaving = Promise.allSettled([
      join('k', depart, controller.signal),
      join('k', depart, controller.signal),
    ]);
    controller.abort();
    await leaving;
    expect(flights[0]!.signal.aborted).toBe(true);
    const next = join('k', depart);
    expect(flights).toHaveLength(2);
    // The end of the old call must not remove the new one.
    flights[0]!.reject(new Error('aborted'));
    await Promise.resolve();
    void join('k', depart);
    expect(flights).toHaveLength(2);
    flights[1]!.resolve('new');
    expect(await next).toBe('new');
  });

  test('before the call starts nothing', async () => {
    const { flights, depart } = createWork();
    await expect(createSingleFlight<string>()('k', depart, AbortSignal.abort())).rejects.toMatchObject({
      code: 'aborted',
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
    const done = createSingleFlight<string>()('k', depart, signal);
    expect(listeners).toBe(1);
    flights[0]!.resolve('done');
    await done;
    await Promise.resolve();
    expect(listeners).toBe(0);
  });
});
