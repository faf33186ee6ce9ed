import { expect, it } from 'vitest';
import { nextData } from './next-data.ts';

const none: ReadonlySet<string> = new Set();
const own = { name: 'own', value: 'v' };
const others = (count: number, value = 'x') =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`other-${index}`, value]));

it('adds the own entry to those of others, and says nothing if it is there', () => {
  expect(nextData({ a: '1' }, own, none)).toEqual({ a: '1', own: 'v' });
  expect(nextData({ a: '1', own: 'former' }, own, none)).toEqual({ a: '1', own: 'v' });
  expect(nextData({ a: '1', own: 'v' }, own, none)).toBeUndefined();
});

it('removes the own entry at the end, and says nothing if there is none', () => {
  const leaving = { name: 'own', value: undefined };
  expect(nextData({ a: '1', own: 'v' }, leaving, none)).toEqual({ a: '1' });
  expect(nextData({ a: '1' }, leaving, none)).toBeUndefined();
});

it('removes the entries of pods that are gone, but not its own', () => {
  expect(nextData({ a: '1', b: '2', own: 'v' }, own, new Set(['b', 'own']))).toEqual({ a: '1', own: 'v' });
});

it('attack: of more entries than half of what agents read only its own stays', () => {
  expect(nextData({ ...others(15), own: 'v' }, own, none)).toBeUndefined();
  expect(nextData({ ...others(16), own: 'v' }, own, none)).toEqual({ own: 'v' });
});

it('attack: of more bytes than half of what agents read only its own stays', () => {
  const bytes = (count: number) => ({ ...others(1, 'x'.repeat(count)), own: 'v' });
  const usual = JSON.stringify(Object.entries(bytes(0))).length;
  expect(nextData(bytes(32 * 1024 - usual), own, none)).toBeUndefined();
  expect(nextData(bytes(32 * 1024 - usual + 1), own, none)).toEqual({ own: 'v' });
});
