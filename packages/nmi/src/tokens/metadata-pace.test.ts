import { createFakeClock } from '@pod-identity/kit/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createMetadataPace } from './metadata-pace.ts';

interface Call {
  readonly kind: 'token' | 'read';
  /** Milliseconds after the call before. */
  readonly afterMs: number;
  readonly takesMs: number;
}

const calls = fc.array(
  fc.record<Call>({
    kind: fc.constantFrom('token', 'read'),
    afterMs: fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 0, max: 300 })),
    takesMs: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 1500 })),
  }),
  { minLength: 1, maxLength: 120, size: 'max' },
);

/** What the metadata service sees. */
async function play(all: readonly Call[]) {
  const clock = createFakeClock();
  const pace = createMetadataPace(clock);
  const starts: { kind: Call['kind']; at: number }[] = [];
  const running = { token: 0, read: 0 };
  const most = { all: 0, read: 0 };
  const ends: Promise<void>[] = [];
  const ask =
    ({ kind, takesMs }: Call) =>
    async () => {
      starts.push({ kind, at: clock.now() });
      running[kind] += 1;
      most.all = Math.max(most.all, running.token + running.read);
      most.read = Math.max(most.read, running.read);
      await clock.sleep(takesMs);
      running[kind] -= 1;
    };
  for (const call of all) {
    await clock.advance(call.afterMs);
    const end = call.kind === 'token' ? pace.token(ask(call)) : pace.read(ask(call));
    if (end) ends.push(end);
  }
  await clock.advance(10 * 60_000);
  await Promise.all(ends);
  const busiest = (kinds: readonly Call['kind'][]) => {
    const times = starts.filter(({ kind }) => kinds.includes(kind)).map(({ at }) => at);
    return Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + 1000).length));
  };
  return { starts, most, busiest, served: ends.length };
}

it('W-P7: whatever a node full of pods asks, no second has more than 20 questions and no moment more than 5', async () => {
  await fc.assert(
    fc.asyncProperty(calls, async (all) => {
      const { starts, most, busiest, served } = await play(all);
      expect(starts).toHaveLength(served);
      expect(most.all).toBeLessThanOrEqual(5);
      expect(most.read).toBeLessThanOrEqual(2);
      expect(busiest(['token', 'read'])).toBeLessThanOrEqual(20);
      expect(busiest(['read'])).toBeLessThanOrEqual(4);
    }),
    { numRuns: 60 },
  );
});

it('tokens do not wait for reads that hang', async () => {
  const clock = createFakeClock();
  const pace = createMetadataPace(clock);
  const hung = () => new Promise<never>(() => undefined);
  for (let index = 0; index < 50; index += 1) void pace.read(hung);
  await clock.advance(5_000);
  await expect(pace.token(() => Promise.resolve('token'))).resolves.toBe('token');
});

it('lets only so many reads wait', async () => {
  const clock = createFakeClock();
  const pace = createMetadataPace(clock);
  const reads = Array.from({ length: 100 }, () => pace.read(() => Promise.resolve()));
  const taken = reads.filter((read) => read !== undefined);
  expect(taken.length).toBeLessThanOrEqual(66);
  await clock.advance(60_000);
  await Promise.all(taken);
  expect(pace.read(() => Promise.resolve())).toBeDefined();
});
