import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TokenError } from './errors.ts';
import { createUnknownIdentities } from './unknown-identities.ts';

const asked = (namespace: string, identity: string) => ({ namespace, identity, isExpected: false });
const notFound = () => new TokenError('not-on-host', 'Identity not found');

it('whatever was asked for without success and when, no identity is hidden for longer than five seconds', () => {
  const notes = fc.array(
    fc.record({
      namespace: fc.constantFrom('a', 'b'),
      identity: fc.constantFrom('x', 'y'),
      afterMs: fc.nat(20_000),
    }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(notes, (all) => {
      const unknown = createUnknownIdentities(() => 0);
      let now = 0;
      for (const { namespace, identity, afterMs } of all) {
        now += afterMs;
        unknown.note(asked(namespace, identity), notFound(), now);
        expect(unknown.recall(asked(namespace, identity), now)?.waitMs).toBeLessThanOrEqual(5_000);
        expect(unknown.recall(asked(namespace, identity), now + 5_000)).toBeUndefined();
      }
    }),
  );
});

it('a namespace that asks for very many identities makes only its own be forgotten', () => {
  const unknown = createUnknownIdentities(() => 0);
  unknown.note(asked('victim', 'x'), notFound(), 0);
  for (let index = 0; index < 10_000; index += 1)
    unknown.note(asked('hostile', `id-${index}`), notFound(), 0);
  expect(unknown.recall(asked('victim', 'x'), 0)).toBeDefined();
  expect(unknown.recall(asked('hostile', 'id-0'), 0)).toBeUndefined();
  expect(unknown.recall(asked('hostile', 'id-9999'), 0)).toBeDefined();
});

it('one answer that many callers got counts once', () => {
  const unknown = createUnknownIdentities(() => 0);
  const error = notFound();
  for (let index = 0; index < 100; index += 1) unknown.note(asked('a', 'x'), error, 0);
  expect(unknown.recall(asked('a', 'x'), 0)?.waitMs).toBe(1_000);
});

it('says for how long an identity has not been known, for each caller', () => {
  const unknown = createUnknownIdentities(() => 0);
  const [first, second] = [notFound(), notFound()];
  expect(unknown.note(asked('a', 'x'), first, 10_000)).toBe(0);
  expect(unknown.note(asked('a', 'x'), first, 12_000)).toBe(2_000);
  expect(unknown.note(asked('a', 'x'), second, 15_000)).toBe(5_000);
  // Two minutes later the story begins again.
  expect(unknown.note(asked('a', 'x'), notFound(), 135_000)).toBe(0);
});

it('what a namespace did not find lately is kept longest: of its identities, and of the namespaces', () => {
  const unknown = createUnknownIdentities(() => 0);
  const isKnown = (namespace: string, identity: string) =>
    unknown.recall(asked(namespace, identity), 0) !== undefined;
  for (let index = 0; index < 256; index += 1) unknown.note(asked('a', `id-${index}`), notFound(), 0);
  unknown.note(asked('a', 'id-1'), notFound(), 0);
  expect(isKnown('a', 'id-0')).toBe(true);
  unknown.note(asked('a', 'one more'), notFound(), 0);
  unknown.note(asked('a', 'and another'), notFound(), 0);
  expect(['id-0', 'id-1', 'id-2', 'id-3'].map((id) => isKnown('a', id))).toEqual([false, true, false, true]);

  for (let index = 0; index < 744; index += 1) unknown.note(asked(`ns-${index}`, 'x'), notFound(), 0);
  unknown.note(asked('ns-1', 'x'), notFound(), 0);
  expect(isKnown('a', 'id-3')).toBe(true);
  unknown.note(asked('one more', 'x'), notFound(), 0);
  unknown.note(asked('and another', 'x'), notFound(), 0);
  expect(['id-3', 'id-4', 'id-5', 'id-1'].map((id) => isKnown('a', id))).toEqual([false, false, true, true]);
  expect(['ns-0', 'ns-1', 'ns-743'].map((namespace) => isKnown(namespace, 'x'))).toEqual([true, true, true]);
});

it('attack: names of any length stay within the places, in a hundred namespaces too', () => {
  const unknown = createUnknownIdentities(() => 0);
  const long = (index: number) => asked(`ns-${index % 100}`, `${index} ${'ж'.repeat(2_048)}`);
  for (let index = 0; index < 1_000; index += 1) unknown.note(long(index), notFound(), 0);
  const kept = Array.from({ length: 1_000 }, (_, index) => unknown.recall(long(index), 0)).filter(Boolean);
  // Each takes 4.5 KiB: three places.
  expect(kept).toHaveLength(333);
});

it('an identity that was found is forgotten, whether it was expected or not', () => {
  const unknown = createUnknownIdentities(() => 0);
  const both = [true, false].map((isExpected) => ({ namespace: 'a', identity: 'x', isExpected }));
  for (const one of both) unknown.note(one, notFound(), 0);
  unknown.forget({ namespace: 'a', identity: 'x' });
  expect(both.map((one) => unknown.recall(one, 0))).toEqual([undefined, undefined]);
});
