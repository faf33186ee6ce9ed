import { createFakeClock } from '@pod-identity/kit/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TokenError } from './errors.ts';
import { createUnknownIdentities } from './unknown-identities.ts';

const requested = (namespace: string, name: string) => ({ namespace, name });
const notFound = () => new TokenError('not-on-host', 'Identity not found');
const start = () => {
  const clock = createFakeClock();
  return { clock, unknown: createUnknownIdentities({ clock, random: () => 0 }) };
};
const x = requested('a', 'x');

it('whatever was asked for and hinted at without success and when, no identity is hidden for longer than five seconds', async () => {
  const step = fc.record({
    namespace: fc.constantFrom('a', 'b'),
    identity: fc.constantFrom('x', 'y'),
    afterMs: fc.nat(20_000),
    end: fc.constantFrom('note', 'end', 'hint' as const),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (all) => {
      const { clock, unknown } = start();
      for (const { namespace, identity, afterMs, end } of all) {
        await clock.advance(afterMs);
        const one = requested(namespace, identity);
        if (end === 'hint') unknown.hint(one);
        else {
          unknown.begin(one);
          if (end === 'note') unknown.note(one, notFound());
          else unknown.end(one);
        }
        await clock.advance(5_000);
        expect(unknown.recall(one)).toBeUndefined();
      }
    }),
  );
});

it('is hidden for one second, then two, four and five, and tells when each is over', async () => {
  const { clock, unknown } = start();
  const told: number[] = [];
  unknown.changes.subscribe(() => told.push(clock.now()));
  for (const untilMs of [1_000, 3_000, 7_000, 12_000, 17_000]) {
    unknown.begin(x);
    unknown.note(x, notFound());
    await clock.advance(untilMs - clock.now());
    expect(told.at(-1)).toBe(untilMs);
  }
  expect(told).toHaveLength(5);
});

it('a namespace that asks for very many identities makes only its own be forgotten', () => {
  const { unknown } = start();
  unknown.note(requested('victim', 'x'), notFound());
  for (let index = 0; index < 10_000; index += 1)
    unknown.note(requested('hostile', `id-${index}`), notFound());
  expect(unknown.recall(requested('victim', 'x'))).toBeDefined();
  expect(unknown.recall(requested('hostile', 'id-0'))).toBeUndefined();
  expect(unknown.recall(requested('hostile', 'id-9999'))).toBeDefined();
});

it('one answer that many callers got counts once', async () => {
  const { clock, unknown } = start();
  const error = notFound();
  for (let index = 0; index < 100; index += 1) unknown.note(x, error);
  await clock.advance(999);
  expect(unknown.recall(x)).toBe(error);
  await clock.advance(1);
  expect(unknown.recall(x)).toBeUndefined();
});

it('while it is asked for again nobody else asks, however long that takes', async () => {
  const { clock, unknown } = start();
  expect(unknown.begin(x)).toBeUndefined();
  const error = notFound();
  unknown.note(x, error);
  await clock.advance(1_000);
  expect(unknown.begin(x)).toBe(error);
  await clock.advance(60_000);
  expect(unknown.recall(x)).toBe(error);
  unknown.end(x);
  await clock.advance(5_000);
  expect(unknown.recall(x)).toBeUndefined();
});

it('two minutes after the service has said so last the story begins again', async () => {
  const { clock, unknown } = start();
  for (const afterMs of [10_000, 10_000, 10_000]) {
    unknown.note(x, notFound());
    await clock.advance(afterMs);
  }
  expect(unknown.begin(x)).toBeDefined();
  await clock.advance(110_000);
  unknown.end(x);
  await clock.advance(5_000);
  expect(unknown.begin(x)).toBeUndefined();
});

it('attack: hints make it be asked for once more in a second, however many they are', async () => {
  const { clock, unknown } = start();
  const askedAt: number[] = [];
  const askIfMay = () => {
    if (unknown.recall(x)) return;
    askedAt.push(clock.now());
    unknown.begin(x);
    unknown.note(x, notFound());
  };
  for (let ms = 0; ms < 60_000; ms += 10) {
    unknown.hint(x);
    askIfMay();
    await clock.advance(10);
  }
  // By itself: after one, two and four seconds, and then every five.
  expect(askedAt.length).toBeLessThanOrEqual(60 + 15);
});

it('a hint that comes while it is asked for counts when that has failed', () => {
  const { unknown } = start();
  unknown.note(x, notFound());
  unknown.begin(x);
  unknown.hint(x);
  expect(unknown.recall(x)).toBeDefined();
  unknown.note(x, notFound());
  expect(unknown.recall(x)).toBeUndefined();
});

it('attack: a hint that comes within a second of a forged one counts at the end of that second', async () => {
  const { clock, unknown } = start();
  // The pauses grow to five seconds.
  for (const afterMs of [1_000, 2_000, 4_000, 0]) {
    unknown.note(x, notFound());
    await clock.advance(afterMs);
  }
  unknown.hint(x);
  expect(unknown.recall(x)).toBeUndefined();
  unknown.note(x, notFound());
  await clock.advance(500);
  unknown.hint(x);
  await clock.advance(499);
  expect(unknown.recall(x)).toBeDefined();
  await clock.advance(1);
  expect(unknown.recall(x)).toBeUndefined();
});

it('a hint of what nobody has asked for, or of another namespace, changes nothing', () => {
  const { unknown } = start();
  unknown.hint(x);
  unknown.note(x, notFound());
  unknown.hint(requested('b', 'x'));
  unknown.hint(requested('a', 'y'));
  expect(unknown.recall(x)).toBeDefined();
});

it('what a namespace did not find lately is kept longest: of its identities, and of the namespaces', () => {
  const { unknown } = start();
  const isKnown = (namespace: string, identity: string) =>
    unknown.recall(requested(namespace, identity)) !== undefined;
  for (let index = 0; index < 256; index += 1) unknown.note(requested('a', `id-${index}`), notFound());
  unknown.note(requested('a', 'id-1'), notFound());
  expect(isKnown('a', 'id-0')).toBe(true);
  unknown.note(requested('a', 'one more'), notFound());
  unknown.note(requested('a', 'and another'), notFound());
  expect(['id-0', 'id-1', 'id-2', 'id-3'].map((id) => isKnown('a', id))).toEqual([false, true, false, true]);

  for (let index = 0; index < 744; index += 1) unknown.note(requested(`ns-${index}`, 'x'), notFound());
  unknown.note(requested('ns-1', 'x'), notFound());
  expect(isKnown('a', 'id-3')).toBe(true);
  unknown.note(requested('one more', 'x'), notFound());
  unknown.note(requested('and another', 'x'), notFound());
  expect(['id-3', 'id-4', 'id-5', 'id-1'].map((id) => isKnown('a', id))).toEqual([false, false, true, true]);
  expect(['ns-0', 'ns-1', 'ns-743'].map((namespace) => isKnown(namespace, 'x'))).toEqual([true, true, true]);
});

it('attack: names of any length stay within the places, in a hundred namespaces too', () => {
  const { unknown } = start();
  const long = (index: number) => requested(`ns-${index % 100}`, `${index} ${'ж'.repeat(2_048)}`);
  for (let index = 0; index < 1_000; index += 1) unknown.note(long(index), notFound());
  const kept = Array.from({ length: 1_000 }, (_, index) => unknown.recall(long(index))).filter(Boolean);
  // Each takes 4.5 KiB: three places.
  expect(kept).toHaveLength(333);
});

it('an identity that was found is forgotten, and that is told to who waits', () => {
  const { unknown } = start();
  let told = 0;
  unknown.changes.subscribe(() => (told += 1));
  unknown.note(x, notFound());
  unknown.forget(x);
  expect([unknown.recall(x), told]).toEqual([undefined, 1]);
});
