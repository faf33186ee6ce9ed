import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test, vi } from 'vitest';
import { createHostQueue, type HostQueueOptions } from './host-queue.ts';

type Answer = number | undefined;

interface SetUpOptions extends Partial<HostQueueOptions> {
  /** The result of the nth turn. */
  readonly answer?: (nth: number, now: number) => Answer | Promise<Answer>;
}

function setUp({ answer, ...options }: SetUpOptions = {}) {
  const clock = createFakeClock();
  const ending = new AbortController();
  const turns: string[] = [];
  const queue = createHostQueue({
    clock,
    signal: ending.signal,
    quietMs: 500,
    busyMs: 500,
    longestMs: 2_000,
    turn: async (host) => {
      turns.push(`${host}@${clock.now()}`);
      return answer?.(turns.length, clock.now());
    },
    onCrash: () => undefined,
    isGone: () => false,
    ...options,
  });
  return { clock, queue, turns, end: () => ending.abort() };
}

test('simultaneous pokes cause one turn', async () => {
  const { clock, queue, turns } = setUp();
  for (let count = 0; count < 50; count += 1) queue.poke('a');
  await clock.advance(499);
  expect(turns).toEqual([]);
  expect(queue.depth).toBe(1);
  await clock.advance(1);
  expect(turns).toEqual(['a@500']);
  expect([queue.depth, clock.pending]).toEqual([0, 0]);
});

test('after the term nothing waits, nothing is accepted, and a turn that fails for that reason is not reported', async () => {
  const onCrash = vi.fn();
  const running = Promise.withResolvers<undefined>();
  const { clock, queue, end } = setUp({ turn: () => running.promise, onCrash });
  queue.poke('running', { now: true });
  await clock.advance(0);
  queue.poke('waiting');
  end();
  expect(clock.pending).toBe(0);
  queue.poke('late');
  running.reject(new Error('the term is over'));
  await clock.advance(60_000);
  expect(onCrash).not.toHaveBeenCalled();
  expect(queue.depth).toBe(1);
});

test('a plain poke does not delay the turn, one for more work does, up to the longest wait', async () => {
  const { clock, queue, turns } = setUp();
  queue.poke('plain');
  queue.poke('more');
  for (let at = 0; at < 3_000; at += 400) {
    queue.poke('more', { more: true });
    if (at === 400) queue.poke('plain');
    await clock.advance(400);
  }
  expect(turns[0]).toBe('plain@500');
  expect(turns[1]).toBe('more@2000');
});

const lane = { quietMs: 50, busyMs: 500, longestMs: 5_000 };

test('the first change of a quiet host waits briefly, those within ten seconds of a turn longer, of other hosts not', async () => {
  const { clock, queue, turns } = setUp(lane);
  queue.poke('busy');
  await clock.advance(10_049);
  queue.poke('busy', { more: true });
  queue.poke('other');
  await clock.advance(500);
  expect(turns).toEqual(['busy@50', 'other@10099', 'busy@10549']);
  await clock.advance(10_000);
  queue.poke('busy');
  await clock.advance(50);
  expect(turns.slice(3)).toEqual(['busy@20599']);
});

test('an urgent poke causes a turn at once', async () => {
  const { clock, queue, turns } = setUp();
  queue.poke('a');
  queue.poke('a', { now: true });
  await clock.advance(0);
  expect(turns).toEqual(['a@0']);
});

test('a host has one turn at a time; pokes meanwhile cause one turn after it', async () => {
  const running = Promise.withResolvers<undefined>();
  const { clock, queue, turns } = setUp({ answer: (nth) => (nth === 1 ? running.promise : undefined) });
  queue.poke('a', { now: true });
  await clock.advance(0);
  for (let poke = 0; poke < 10; poke += 1) queue.poke('a');
  await clock.advance(10_000);
  expect(turns).toHaveLength(1);
  running.resolve(undefined);
  await clock.advance(0);
  expect(turns).toHaveLength(2);
  await clock.advance(10_000);
  expect(turns).toHaveLength(2);
});

test('a host that hangs delays no other', async () => {
  const turns: string[] = [];
  const { clock, queue } = setUp({
    turn: (host) => {
      turns.push(host);
      return host === 'slow' ? new Promise(() => undefined) : Promise.resolve(undefined);
    },
  });
  queue.poke('slow', { now: true });
  queue.poke('quick', { now: true });
  await clock.advance(0);
  queue.poke('quick', { now: true });
  await clock.advance(0);
  expect(turns).toEqual(['slow', 'quick', 'quick']);
  expect(queue.depth).toBe(1);
});

test('a host has a turn at its requested time without a poke', async () => {
  const { clock, queue, turns } = setUp({ answer: (nth) => (nth === 1 ? 60_000 : undefined) });
  queue.poke('a', { now: true });
  await clock.advance(0);
  expect(queue.depth).toBe(0);
  await clock.advance(120_000);
  expect(turns).toEqual(['a@0', 'a@60000']);
});

test('a turn that crashes is reported and retried after a second, then ever later, up to 30 s', async () => {
  const onCrash = vi.fn();
  const startedAt: number[] = [];
  let crashes = Infinity;
  const { clock, queue } = setUp({
    turn: () => {
      startedAt.push(clock.now());
      return startedAt.length <= crashes ? Promise.reject(new Error('bug')) : Promise.resolve(undefined);
    },
    onCrash,
  });
  const pauses = () => startedAt.map((at, index) => at - (startedAt[index - 1] ?? at));
  queue.poke('a', { now: true });
  await clock.advance(91_000);
  expect(pauses()).toEqual([0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  expect(onCrash).toHaveBeenCalledTimes(8);

  // After one that ends well, the first pause is short again.
  crashes = startedAt.length;
  await clock.advance(30_000);
  crashes = startedAt.length + 1;
  queue.poke('a', { now: true });
  await clock.advance(1_000);
  expect(pauses().slice(-1)).toEqual([1_000]);
  expect(clock.pending).toBe(0);
});

test('C46 after the term no turn begins, and settled resolves when the last one has ended', async () => {
  const running = Promise.withResolvers<undefined>();
  const { clock, queue, turns, end } = setUp({
    turn: (host) => {
      turns.push(host);
      return running.promise;
    },
  });
  queue.poke('a', { now: true });
  await clock.advance(0);
  queue.poke('b');
  end();
  queue.poke('c', { now: true });
  await clock.advance(60_000);
  expect(turns).toEqual(['a']);
  let isSettled = false;
  void queue.settled().then(() => (isSettled = true));
  await clock.advance(0);
  expect(isSettled).toBe(false);
  running.resolve(undefined);
  await clock.advance(0);
  expect(isSettled).toBe(true);
  expect(clock.pending).toBe(0);
});
