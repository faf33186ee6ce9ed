import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, it, vi } from 'vitest';
import { createUnwritten, patienceMs, soon, unwrittenLimits, type Reader } from './unwritten.ts';

const { perCaller, perGroup, total } = unwrittenLimits;

interface Line extends Reader<string> {
  readonly name: string;
  bytes: number;
}

const stage = () => {
  const clock = createFakeClock(Date.UTC(2026, 0, 1));
  const closed: string[] = [];
  const unwritten = createUnwritten<string, Line>(clock, ({ name }) => closed.push(name));
  const line = (caller: string, name: string, group = caller): Line => {
    const self: Line = {
      caller,
      name,
      bytes: 0,
      group: () => group,
      unwritten: () => self.bytes,
    };
    return self;
  };
  const leave = (taker: Line, bytes: number) => {
    taker.bytes = bytes;
    unwritten.look(taker);
  };
  /** Given before its turn. */
  const leaveEarly = (taker: Line, bytes: number) => {
    taker.bytes += bytes;
    unwritten.lookSoon(taker, bytes);
  };
  return { clock, closed, unwritten, line, leave, leaveEarly };
};

it('a caller that leaves more unread than its share loses the connection that went over it', () => {
  const { closed, line, leave } = stage();
  const [first, second] = [line('hostile', 'first'), line('hostile', 'second')];
  leave(first, perCaller);
  expect(closed).toEqual([]);
  leave(second, 1);
  expect(closed).toEqual(['second']);
  leave(first, perCaller);
  expect(closed).toEqual(['second']);
});

it('bytes that were read no longer count', () => {
  const { closed, line, leave } = stage();
  const lines = Array.from({ length: 50 }, (_, index) => line('pod', `${index}`));
  for (const one of lines) {
    leave(one, perCaller);
    leave(one, 0);
  }
  expect(closed).toEqual([]);
});

it('bytes of a closed connection no longer count', () => {
  const { closed, line, leave, unwritten } = stage();
  for (let count = 0; count < 50; count += 1) {
    const one = line('pod', `${count}`);
    leave(one, perCaller);
    unwritten.forget(one);
  }
  expect(closed).toEqual([]);
});

it('when all together leave too much unread, connections of the caller or namespace with most are closed', () => {
  const { closed, line, leave } = stage();
  const victim = line('victim', 'victim');
  leave(victim, perCaller / 2);
  const callers = total / perCaller;
  for (let index = 0; index < callers - 1; index += 1) {
    leave(line(`hostile-${index}`, `hostile-${index}-a`), perCaller / 2);
    leave(line(`hostile-${index}`, `hostile-${index}-b`), perCaller / 2);
  }
  expect(closed).toEqual([]);
  leave(line('another', 'another'), perCaller / 2 + 1);
  expect(closed).toEqual(['hostile-0-a', 'hostile-0-b']);
});

it('nothing is closed while all together are at the limit', () => {
  const { closed, line, leave } = stage();
  for (let index = 0; index < total / perCaller; index += 1)
    leave(line(`caller-${index}`, `line-${index}`), perCaller);
  expect(closed).toEqual([]);
});

it('the pods of a namespace that leave more unread than its share lose the connection that went over it', () => {
  const { closed, line, leave } = stage();
  const pods = perGroup / perCaller;
  for (let index = 0; index < pods; index += 1)
    leave(line(`pod-${index}`, `pod-${index}`, 'hostile'), perCaller);
  leave(line('victim', 'victim'), perCaller);
  expect(closed).toEqual([]);
  leave(line('one-more', 'one-more', 'hostile'), 1);
  expect(closed).toEqual(['one-more']);
});

it('a response that is not read for half a minute ends its connection', async () => {
  const { clock, closed, line, leave } = stage();
  const [dead, slow] = [line('pod', 'dead'), line('pod', 'slow')];
  leave(dead, 10);
  leave(slow, 10);
  await clock.advance(patienceMs - 1);
  expect(closed).toEqual([]);
  leave(slow, 0);
  await clock.advance(1);
  expect(closed).toEqual(['dead']);
});

it('each unread response has its own half minute on an active connection', async () => {
  const { clock, closed, line, leave } = stage();
  const one = line('pod', 'one');
  leave(one, 10);
  leave(one, 0);
  await clock.advance(patienceMs / 2);
  leave(one, 10);
  await clock.advance(patienceMs - 1);
  expect(closed).toEqual([]);
  await clock.advance(1);
  expect(closed).toEqual(['one']);
});

describe('a response that waits for its turn', () => {
  it('counts after a short time, unless it was read by then', async () => {
    const { clock, closed, line, leaveEarly } = stage();
    const [taken, left] = [line('pod', 'taken'), line('other', 'left')];
    leaveEarly(taken, 10);
    leaveEarly(left, 10);
    taken.bytes = 0;
    await clock.advance(soon.afterMs + patienceMs - 1);
    expect(closed).toEqual([]);
    await clock.advance(1);
    expect(closed).toEqual(['left']);
    expect(clock.pending).toBe(0);
  });

  it('is checked for all connections with one timer', () => {
    const { clock, line, leaveEarly } = stage();
    for (let index = 0; index < 50; index += 1) leaveEarly(line('pod', `${index}`), 10);
    expect(clock.pending).toBe(1);
  });

  it('is checked once, however many others wait after it', async () => {
    const { clock, line, leaveEarly } = stage();
    const [one, other] = [line('pod', 'one'), line('other', 'other')];
    const looks = vi.spyOn(one, 'unwritten');
    leaveEarly(one, soon.bytes);
    expect(looks).not.toHaveBeenCalled();
    await clock.advance(soon.afterMs);
    leaveEarly(other, 10);
    await clock.advance(soon.afterMs);
    expect(looks).toHaveBeenCalledTimes(1);
  });

  it('is checked at once if it is large', () => {
    const { closed, line, leaveEarly } = stage();
    leaveEarly(line('pod', 'large'), perCaller + 1);
    expect(closed).toEqual(['large']);
  });

  it('exceeds no limit by more than the bytes that may be checked later, over all connections', () => {
    const { closed, line, leaveEarly } = stage();
    let given = 0;
    for (; closed.length === 0; given += 1_000) leaveEarly(line('pod', `${given}`), 1_000);
    expect(given).toBeGreaterThan(perCaller);
    expect(given).toBeLessThanOrEqual(perCaller + soon.bytes + 2_000);
  });

  it('counts at once if bytes of its connection are already counted', () => {
    const { closed, line, leave, leaveEarly } = stage();
    const one = line('pod', 'one');
    leave(one, perCaller);
    expect(closed).toEqual([]);
    leaveEarly(one, 1);
    expect(closed).toEqual(['one']);
  });

  it('is not checked after its connection has closed', async () => {
    const { clock, closed, unwritten, line, leaveEarly } = stage();
    const one = line('pod', 'one');
    leaveEarly(one, 10);
    unwritten.forget(one);
    await clock.advance(soon.afterMs + patienceMs);
    expect(closed).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
